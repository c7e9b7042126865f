/*
 * The keys of a TAM node, as files under its state folder: one TEEP signing
 * key a suite, the key that Evidence and SUIT Reports are encrypted to, the key
 * that Attestation Results are signed with, and the rotated challenge keys. All
 * mode 0600; they never enter the database.
 */
#ifndef POSTERN_TAM_KEYS_H
#define POSTERN_TAM_KEYS_H

#include <ports/openssl/openssl.h>
#include <tam/engine/engine.h>

/* A challenge key signs for so long; the one before it still verifies. */
#define PST_TAM_ROTATE_S (7 * 24 * 3600)
/* Challenge keys on disk: more than can be valid are removed. */
#define PST_TAM_CHALLENGE_FILES_MAX 64

struct pst_tam_challenge_key {
	uint8_t id;
	uint64_t created_s;
	struct pst_key key;
};

struct pst_tam_keys {
	char *dir; /* the state folder */
	struct pst_key esp256, ed25519;
	struct pst_key encryption; /* P-256, for ECDH-ES+A128KW */
	struct pst_key verifier;   /* signs Attestation Results; ESP256 */
	/* oldest first; the last one signs */
	struct pst_tam_challenge_key challenge[PST_TAM_MAC_KEYS_MAX];
	size_t challenge_count;
};

/** Make the folder if need be, read the keys, make those that are missing. */
enum pst_err pst_tam_keys_open(const char *dir, uint64_t now_s,
    struct pst_tam_keys *out, char note[PST_TAM_NOTE_MAX]) PST_MUST_CHECK;
void pst_tam_keys_close(struct pst_tam_keys *keys);

/** Is it time for another challenge key? */
bool pst_tam_keys_due(const struct pst_tam_keys *keys, uint64_t now_s);
/** Make one and remove what can verify nothing any more. */
enum pst_err
pst_tam_keys_rotate(struct pst_tam_keys *keys, uint64_t now_s) PST_MUST_CHECK;

#endif
