/*
 * The configuration file of postern-tee: YAML, every key known or refused.
 *
 *   device:                     all optional but hwmodel, hwversion, oemid
 *     vendor-id: UUID           what manifests' conditions are compared with
 *     class-id: UUID
 *     device-id: UUID
 *     oemid: HEX                3 or 16 bytes (RFC 9711, Section 4.2.3)
 *     hwmodel: TEXT             1..32 bytes
 *     hwversion: TEXT
 *     debug: BOOL               Evidence says that debugging is enabled
 *   tams:
 *     - name: TEXT              stable: what the agent remembers is kept by it
 *       uri: URL
 *       keys: [FILE, ...]       public keys that may sign its messages
 *       root: FILE              or a certificate that theirs lead to
 *       encryption-key: FILE    EC public key that Evidence and SUIT Reports
 *                               are encrypted to
 *       confidential-transport: BOOL   what is below TEEP hides them as well:
 *                               without encryption-key no Evidence goes
 *                               anywhere else
 *       sign-reports: BOOL      each by itself, besides the message around it
 *       attested:               the TAM has to attest before it gets anything
 *         verifiers: [FILE, ...]  public keys whose Results about it count
 *       passport: NAME          of another TAM, whose Attestation Result it
 *                               is shown in place of Evidence
 *       prefixes: [PREFIX, ...]
 *   signers:
 *     - name: TEXT
 *       key: FILE               public (EC, Ed25519, HSS-LMS), or a secret
 *                               one for HMAC
 *       prefixes: [PREFIX, ...]
 *   decryption: [FILE, ...]     keys that content may be encrypted to,
 *                               besides the device's own: symmetric ones for
 *                               key wrap and private EC keys
 *   attestation:                what proves what this device is
 *     technology: software      a key in a file (development), the default;
 *                               or tpm, tsm (a confidential guest), gramine
 *     tcti: TEXT                of tpm: as tpm2-tss names it
 *     pcrs: [NUMBER, ...]       of tpm: what is quoted; default 0 to 7
 *     event-log: FILE           of tpm: is sent with the quotes
 *     path: FOLDER              of tsm and gramine, when not the usual one
 *   ueid: HEX                   7..33 bytes; else made from the device's key
 *   suites: [esp256, ed25519]   of TEEP messages; the first signs
 *   policy-interval: SECONDS
 *   call-timeout: SECONDS       a TA's call that takes longer ends the TA
 *   payload-max: BYTES          of a payload without an image-size
 *   socket-mode: OCTAL          permissions of the socket, quoted; "0660"
 *   broker-uid: NUMBER          besides root and the TEE's own user
 *
 * A PREFIX is a component, or one with what may be done below it:
 *     - prefix: COMPONENT
 *       commands: [NAME, ...]   default: all
 *       parameters: [NAME, ...] default: all
 *
 * Files are relative to the configuration's folder. Those with a secret or a
 * private key must be readable by their owner only.
 */
#ifndef PST_TEE_CONFIG_H
#define PST_TEE_CONFIG_H

#include "ports/openssl/openssl.h"
#include <postern/agent.h>

#define PST_CONFIG_FILE_MAX (1u << 20)
#define PST_CONFIG_TEXT_MAX 64

struct pst_config_scope {
	uint8_t prefix[PST_AGENT_PREFIXES_MAX][PST_SUIT_ID_MAX];
};

struct pst_config_tam {
	char name[PST_AGENT_NAME_MAX + 1];
	char uri[PST_AGENT_URI_MAX + 1];
	char passport[PST_AGENT_NAME_MAX + 1];
	struct pst_certs root;
	struct pst_config_scope scope;
};

/* Keys of `decryption`; the device has one of its own beside them. */
#define PST_CONFIG_DECRYPTION_MAX (PST_AGENT_SECRETS_MAX - 1)

enum pst_config_attestation {
	PST_ATTEST_BY_SOFTWARE,
	PST_ATTEST_BY_TPM,
	PST_ATTEST_BY_TSM,
	PST_ATTEST_BY_GRAMINE
};

/** `attestation`; an empty text is one that was not given. */
struct pst_config_attest {
	enum pst_config_attestation technology;
	uint32_t pcrs; /* bit n: PCR n */
	char tcti[128];
	char log[256];
	char path[256];
};

/** What the file said. The views in tams and signers point into it. */
struct pst_config {
	uint8_t vendor_id[16], class_id[16], device_id[16];
	bool has_vendor, has_class, has_device;
	uint8_t oemid[16];
	size_t oemid_len;
	uint8_t ueid[33];
	size_t ueid_len; /* 0: not given */
	char hwmodel[PST_CONFIG_TEXT_MAX + 1];
	char hwversion[PST_CONFIG_TEXT_MAX + 1];
	bool debug;
	struct pst_config_attest attestation;
	uint32_t suites;
	int32_t first_suite; /* enum pst_alg */
	uint32_t policy_interval_s;
	uint32_t call_timeout_s;
	uint64_t payload_max;
	uint32_t socket_mode;
	uint32_t broker_uid;
	size_t tam_count, signer_count;
	struct pst_agent_tam tams[PST_AGENT_TAMS_MAX];
	struct pst_agent_signer signers[PST_AGENT_SIGNERS_MAX];
	/* what the views point at */
	struct pst_config_tam tam_data[PST_AGENT_TAMS_MAX];
	struct pst_config_scope signer_data[PST_AGENT_SIGNERS_MAX];
	/* secrets; wiped when the device has taken them, or with the rest */
	struct pst_key signer_secrets[PST_AGENT_SIGNERS_MAX];
	size_t decryption_count;
	struct pst_key decryption[PST_CONFIG_DECRYPTION_MAX];
};

/**
 * Read a configuration file.
 *
 * @param why  receives what is wrong and where, for a person
 * @return NULL when it is not usable; free with pst_config_free
 */
struct pst_config *pst_config_read(const char *path, char *why, size_t why_cap);

void pst_config_free(struct pst_config *c);

#endif
