/*
 * What makes this device one of its kind: its state folder and its keys.
 *
 *   DIR/keys/teep.pem         signs TEEP messages
 *   DIR/keys/attestation.pem  signs Evidence; another key, on purpose
 *   DIR/keys/encryption.pem   content is encrypted to it (ECDH); a third one
 *   DIR/keys/report.pem       signs SUIT Reports; Evidence attests both
 *   DIR/agent.pub.pem, DIR/attestation.pub.pem   for the TAM's operator
 *   DIR/encryption.pub.pem    for developers who encrypt to this device
 *   DIR/store/                the agent's store
 */
#ifndef PST_TEE_DEVICE_H
#define PST_TEE_DEVICE_H

#include "config.h"

struct pst_device {
	struct pst_openssl *openssl; /* owned */
	struct pst_signer key, attestation, report;
	struct pst_pubkey pub, attestation_pub, report_pub;
	/* what content may be encrypted to; the first is the device's own */
	struct pst_agent_secret secrets[PST_AGENT_SECRETS_MAX];
	size_t secret_count;
	uint8_t kids[PST_AGENT_SECRETS_MAX][PST_KID_MAX];
	uint8_t ueid[33];
	size_t ueid_len;
	uint8_t software[32]; /* SHA-256 of this program */
};

/**
 * Open the state folder, making what is not there yet. The caller holds the
 * store's lock.
 *
 * @param c    its secrets are taken: wiped there, and signers[].secret is set
 * @param why  receives what is wrong, for a person
 */
enum pst_err pst_device_open(struct pst_device *d, const char *dir,
    struct pst_config *c, char *why, size_t why_cap) PST_MUST_CHECK;

/** Write a public key into the state folder, for people. */
enum pst_err pst_device_publish(const char *dir, const char *name,
    const struct pst_pubkey *pub) PST_MUST_CHECK;

void pst_device_close(struct pst_device *d);

#endif
