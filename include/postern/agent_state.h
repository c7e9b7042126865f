/*
 * What a TEEP Agent consists of, so that its owner can place one. All fields
 * are private to core/agent; the essay at the top of core/agent/agent.c says
 * what they mean when.
 */
#ifndef POSTERN_AGENT_STATE_H
#define POSTERN_AGENT_STATE_H

#include <postern/agent.h>

/** A registry in the caller's buffer: CBOR records, one after another. */
struct pst_registry {
	uint8_t *buf;
	size_t cap;
	size_t len;
};

/**
 * The Update under way. It is active from the moment that it was accepted;
 * waiting, and in the journal, while a payload is fetched; after a restart it
 * is active but not running, until pst_agent_resume or a policy check revives
 * it from the journal.
 */
struct pst_agent_update {
	bool active;
	bool loaded;	 /* its message is in memory; else in the journal */
	bool running;	 /* run holds a manifest */
	bool waiting;	 /* PST_AGENT_FETCH was returned */
	bool journalled; /* the registry names the message's object */
	bool uninstall;	 /* the run is of an uninstall section */
	uint32_t tam;
	enum pst_err told; /* what the TAM's err-code says; for the log */
	size_t message_len;
	uint64_t message_object; /* when journalled */
	uint64_t result_object;	 /* Attestation Result; 0: none came */
	struct pst_bytes result_format;
	bool in_manifest; /* what failed, failed in a manifest */
	uint8_t token_len;
	uint8_t token[PST_TOKEN_MAX];
	uint8_t identity_len; /* what a replay is recognised by */
	uint8_t identity[PST_TOKEN_MAX];
	struct pst_list manifests; /* still to be processed */
	uint32_t place;		   /* of the present one, from 1 */
	uint32_t step;		   /* of the Update Procedure */
	/* the manifest that is being processed */
	struct pst_suit_envelope envelope;
	struct pst_suit_manifest manifest;
	struct pst_suit_run run;
	struct pst_suit_host host;
	struct pst_keys keys; /* of the run, while something is installed */
	struct pst_suit_report report;
	/* places that each manifest of the run unlinked */
	uint64_t unlinked[PST_SUIT_DEPENDENCIES_MAX + 1][PST_SUIT_PLACE_WORDS];
	/* the write that is under way */
	bool open;
	uint32_t open_index;
	uint64_t open_object;
	uint64_t open_bytes; /* that were written to it */
	/* the fetch that the run began last, from `fetched` on */
	bool fetching;
	bool fetch_begun; /* its write_begin was called */
	bool fetch_lost;  /* the run begins anew what had come in part */
	bool fetch_noted; /* the committed registry has it */
	uint32_t fetch_index;
	uint64_t fetch_object;
	uint8_t fetch_uri[32]; /* SHA-256 */
	/* finished reports: bstr items at the start of memory.report */
	size_t reports_len;
	size_t reports_count;
};

/** Errors to senders that could not be authenticated, in one minute. */
struct pst_agent_errors {
	uint64_t since_s;
	uint32_t count;
};

/** What became of a TAM's attestation (core/agent/attested.c). */
struct pst_agent_attested {
	bool asked; /* challenge awaits an answer */
	bool done;  /* it passed, at done_s */
	uint64_t asked_s, done_s;
	uint8_t challenge[32];
};

struct pst_agent {
	const struct pst_agent_config *config;
	struct pst_agent_ports ports;
	struct pst_agent_memory memory;
	struct pst_registry registry; /* what is committed */
	struct pst_registry staged;   /* components, links, manifests to be */
	uint64_t next_object;
	bool open;	/* opened, and the registry in memory can be trusted */
	uint32_t round; /* bit n: this round of checks gave TAM n */
	struct pst_agent_errors errors[PST_AGENT_TAMS_MAX];
	struct pst_agent_attested attested[PST_AGENT_TAMS_MAX];
	/* the message that is being answered */
	uint32_t tam;
	enum pst_err cert_err; /* what was wrong with its certificates */
	bool tam_refused;      /* what the TAM attested was not accepted */
	bool by_time;	       /* the TAM goes by time, and so can we */
	uint8_t token_len;
	uint8_t token[PST_TOKEN_MAX];
	struct pst_cose_message cose;
	struct pst_verified verified;
	struct pst_teep_message in;
	struct pst_teep_message answer;
	struct pst_agent_update update;
};

#endif
