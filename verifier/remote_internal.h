/*
 * What the files of the remote Verifier share: remote.c (threads, queue) and
 * remote_ask.c (one session over HTTP).
 */
#ifndef PST_VERIFIER_REMOTE_INTERNAL_H
#define PST_VERIFIER_REMOTE_INTERNAL_H

#include <curl/curl.h>
#include <stdatomic.h>

#include "remote.h"

/** One piece of Evidence on its way. Owns its bytes. */
struct pst_remote_job {
	struct pst_remote_job *next;
	int64_t until_ms;
	uint8_t nonce[PST_EAT_NONCE_MAX];
	size_t nonce_len;
	size_t form_count;
	struct {
		char *format; /* as a header has it */
		uint8_t *bytes;
		size_t len;
	} form[PST_FORMS_MAX];
	pst_remote_done *done;
	void *ctx;
};

/** A thread's connection and what is under way on it. */
struct pst_remote_ask {
	const struct pst_remote_config *config;
	const atomic_bool *stop;
	CURL *easy;
	char error[CURL_ERROR_SIZE];
	int64_t until_ms; /* of the job */
	uint8_t *body;	  /* of the answer; PST_REMOTE_ANSWER_MAX at most */
	size_t len, cap;
	bool too_large;
	long status;
	char note[PST_REMOTE_NOTE_MAX];
	char *token; /* malloc'd */
};

int64_t pst_remote_now_ms(void);

/** Sleep, at most until *stop. */
void pst_remote_nap(const atomic_bool *stop, int64_t ms);

/**
 * Hold one session: open, hand in, wait, close.
 *
 * @param again  set when another try may have another outcome
 */
enum pst_err pst_remote_session(struct pst_remote_ask *a,
    const struct pst_remote_job *job, bool *again) PST_MUST_CHECK;

#endif
