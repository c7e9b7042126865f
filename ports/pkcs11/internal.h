/*
 * For files of this port only.
 */
#ifndef PST_PKCS11_INTERNAL_H
#define PST_PKCS11_INTERNAL_H

#include <p11-kit/p11-kit.h>
#include <p11-kit/uri.h>

#include "pkcs11.h"

struct pst_p11_key {
	P11KitUri *uri;
	CK_FUNCTION_LIST **modules; /* of the configuration; or */
	CK_FUNCTION_LIST *module;   /* the one of module-path */
	const struct pst_p11_prompt *prompt;
	CK_FUNCTION_LIST *f; /* of the token's module */
	CK_SESSION_HANDLE session;
	bool open, logged_in, always_authenticate;
	CK_TOKEN_INFO token;
	CK_OBJECT_HANDLE private; /* 0 before it was found */
	struct pst_pubkey pub;
	char pin[PST_P11_PIN_MAX + 1]; /* "" before it is known */
};

/* object.c */

/**
 * The one object of a class that the URI names.
 *
 * @retval PST_ERR_NOT_FOUND  none
 * @retval PST_ERR_LIMIT      several
 */
enum pst_err pst_p11_find(struct pst_p11_key *key, CK_OBJECT_CLASS class,
    CK_OBJECT_HANDLE *out, const char **why) PST_MUST_CHECK;

/** CKA_EC_PARAMS and CKA_EC_POINT of an object as a public key. */
enum pst_err pst_p11_read_public(struct pst_p11_key *key,
    CK_OBJECT_HANDLE object, const char **why) PST_MUST_CHECK;

/** A CK_BBOOL; false when the token does not say. */
bool pst_p11_flag(
    struct pst_p11_key *key, CK_OBJECT_HANDLE object, CK_ATTRIBUTE_TYPE type);

#endif
