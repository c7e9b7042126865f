/* COSE: RFC 9052, RFC 9053, RFC 9360, RFC 9864 and the IANA registries. */
#include "tables.h"

static const struct shape_field algs[] = {
	{ 1, "A128GCM", NULL },
	{ 2, "A192GCM", NULL },
	{ 3, "A256GCM", NULL },
	{ 4, "HMAC 256/64", NULL },
	{ 5, "HMAC 256/256", NULL },
	{ 6, "HMAC 384/384", NULL },
	{ 7, "HMAC 512/512", NULL },
	{ 10, "AES-CCM-16-64-128", NULL },
	{ 11, "AES-CCM-16-64-256", NULL },
	{ 12, "AES-CCM-64-64-128", NULL },
	{ 13, "AES-CCM-64-64-256", NULL },
	{ 14, "AES-MAC 128/64", NULL },
	{ 15, "AES-MAC 256/64", NULL },
	{ 24, "ChaCha20/Poly1305", NULL },
	{ 25, "AES-MAC 128/128", NULL },
	{ 26, "AES-MAC 256/128", NULL },
	{ 30, "AES-CCM-16-128-128", NULL },
	{ 31, "AES-CCM-16-128-256", NULL },
	{ 32, "AES-CCM-64-128-128", NULL },
	{ 33, "AES-CCM-64-128-256", NULL },
	{ -3, "A128KW", NULL },
	{ -4, "A192KW", NULL },
	{ -5, "A256KW", NULL },
	{ -6, "direct", NULL },
	{ -7, "ES256", NULL },
	{ -8, "EdDSA", NULL },
	{ -9, "ESP256", NULL },
	{ -10, "direct+HKDF-SHA-256", NULL },
	{ -11, "direct+HKDF-SHA-512", NULL },
	{ -16, "SHA-256", NULL },
	{ -18, "SHAKE128", NULL },
	{ -19, "Ed25519", NULL },
	{ -25, "ECDH-ES + HKDF-256", NULL },
	{ -26, "ECDH-ES + HKDF-512", NULL },
	{ -27, "ECDH-SS + HKDF-256", NULL },
	{ -28, "ECDH-SS + HKDF-512", NULL },
	{ -29, "ECDH-ES + A128KW", NULL },
	{ -30, "ECDH-ES + A192KW", NULL },
	{ -31, "ECDH-ES + A256KW", NULL },
	{ -32, "ECDH-SS + A128KW", NULL },
	{ -33, "ECDH-SS + A192KW", NULL },
	{ -34, "ECDH-SS + A256KW", NULL },
	{ -35, "ES384", NULL },
	{ -36, "ES512", NULL },
	{ -37, "PS256", NULL },
	{ -38, "PS384", NULL },
	{ -39, "PS512", NULL },
	{ -43, "SHA-384", NULL },
	{ -44, "SHA-512", NULL },
	{ -45, "SHAKE256", NULL },
	{ -46, "HSS-LMS", NULL },
	{ -48, "ML-DSA-44", NULL },
	{ -49, "ML-DSA-65", NULL },
	{ -50, "ML-DSA-87", NULL },
	{ -51, "ESP384", NULL },
	{ -52, "ESP512", NULL },
	{ -53, "Ed448", NULL },
	{ -257, "RS256", NULL },
	{ -258, "RS384", NULL },
	{ -259, "RS512", NULL },
	{ -65532, "A256CTR", NULL },
	{ -65533, "A192CTR", NULL },
	{ -65534, "A128CTR", NULL },
};
const struct pst_shape shape_alg = { SHAPE_ENUM, FIELDS(algs) };

static const struct shape_field key_types[] = {
	{ 1, "OKP", NULL },
	{ 2, "EC2", NULL },
	{ 3, "RSA", NULL },
	{ 4, "Symmetric", NULL },
	{ 5, "HSS-LMS", NULL },
	{ 7, "AKP", NULL },
};
static const struct pst_shape key_type = { SHAPE_ENUM, FIELDS(key_types) };

static const struct shape_field curves[] = {
	{ 1, "P-256", NULL },
	{ 2, "P-384", NULL },
	{ 3, "P-521", NULL },
	{ 4, "X25519", NULL },
	{ 5, "X448", NULL },
	{ 6, "Ed25519", NULL },
	{ 7, "Ed448", NULL },
	{ 8, "secp256k1", NULL },
};
static const struct pst_shape curve = { SHAPE_ENUM, FIELDS(curves) };

static const struct shape_field key_ops[] = {
	{ 1, "sign", NULL },
	{ 2, "verify", NULL },
	{ 3, "encrypt", NULL },
	{ 4, "decrypt", NULL },
	{ 5, "wrap key", NULL },
	{ 6, "unwrap key", NULL },
	{ 7, "derive key", NULL },
	{ 8, "derive bits", NULL },
	{ 9, "MAC create", NULL },
	{ 10, "MAC verify", NULL },
};
static const struct pst_shape key_op = { SHAPE_ENUM, FIELDS(key_ops) };
static const struct pst_shape key_op_list = { SHAPE_LIST, .inner = &key_op };

static const struct shape_field key_params[] = {
	{ 1, "kty", &key_type },
	{ 2, "kid", &shape_bytes },
	{ 3, "alg", &shape_alg },
	{ 4, "key_ops", &key_op_list },
	{ 5, "Base IV", NULL },
	{ -1, "crv or k", &curve },
	{ -2, "x", NULL },
	{ -3, "y", NULL },
	{ -4, "d", NULL },
};
const struct pst_shape shape_cose_key = { SHAPE_MAP, "COSE_Key",
	FIELDS(key_params) };

static const struct pst_shape headers;

static const struct shape_field header_labels[] = {
	{ 1, "alg", &shape_alg },
	{ 2, "crit", NULL },
	{ 3, "content type", NULL },
	{ 4, "kid", &shape_bytes },
	{ 5, "IV", NULL },
	{ 6, "Partial IV", NULL },
	{ 7, "counter signature", NULL },
	{ 9, "CounterSignature0", NULL },
	{ 10, "kid context", NULL },
	{ 11, "Countersignature version 2", NULL },
	{ 12, "Countersignature0 version 2", NULL },
	{ 15, "CWT claims", &shape_claims },
	{ 16, "typ", NULL },
	{ 32, "x5bag", NULL },
	{ 33, "x5chain", NULL },
	{ 34, "x5t", NULL },
	{ 35, "x5u", NULL },
	{ 256, "CUPHNonce", NULL },
	{ -1, "ephemeral key", &shape_cose_key },
	{ -2, "static key", &shape_cose_key },
	{ -3, "static key id", NULL },
	{ -20, "salt", NULL },
	{ -21, "PartyU identity", NULL },
	{ -22, "PartyU nonce", NULL },
	{ -23, "PartyU other", NULL },
	{ -24, "PartyV identity", NULL },
	{ -25, "PartyV nonce", NULL },
	{ -26, "PartyV other", NULL },
};
static const struct pst_shape headers = { SHAPE_MAP, NULL,
	FIELDS(header_labels) };
static const struct pst_shape protected_headers = { SHAPE_CBOR,
	.inner = &headers };

static const struct shape_field sign1_fields[] = {
	{ 0, "protected", &protected_headers },
	{ 1, "unprotected", &headers },
	{ 2, "payload", &shape_guess },
	{ 3, "signature", NULL },
};
const struct pst_shape shape_sign1 = { SHAPE_ARRAY, "COSE_Sign1",
	FIELDS(sign1_fields) };

static const struct shape_field signature_fields[] = {
	{ 0, "protected", &protected_headers },
	{ 1, "unprotected", &headers },
	{ 2, "signature", NULL },
};
static const struct pst_shape signature = { SHAPE_ARRAY, "COSE_Signature",
	FIELDS(signature_fields) };
static const struct pst_shape signatures = { SHAPE_LIST, .inner = &signature };

static const struct shape_field sign_fields[] = {
	{ 0, "protected", &protected_headers },
	{ 1, "unprotected", &headers },
	{ 2, "payload", &shape_guess },
	{ 3, "signatures", &signatures },
};
const struct pst_shape shape_sign = { SHAPE_ARRAY, "COSE_Sign",
	FIELDS(sign_fields) };

static const struct shape_field mac0_fields[] = {
	{ 0, "protected", &protected_headers },
	{ 1, "unprotected", &headers },
	{ 2, "payload", &shape_guess },
	{ 3, "tag", NULL },
};
const struct pst_shape shape_mac0 = { SHAPE_ARRAY, "COSE_Mac0",
	FIELDS(mac0_fields) };

static const struct pst_shape recipients;

static const struct shape_field recipient_fields[] = {
	{ 0, "protected", &protected_headers },
	{ 1, "unprotected", &headers },
	{ 2, "ciphertext", NULL },
	{ 3, "recipients", &recipients },
};
static const struct pst_shape recipient = { SHAPE_ARRAY, "COSE_recipient",
	FIELDS(recipient_fields) };
static const struct pst_shape recipients = { SHAPE_LIST, .inner = &recipient };

static const struct shape_field mac_fields[] = {
	{ 0, "protected", &protected_headers },
	{ 1, "unprotected", &headers },
	{ 2, "payload", &shape_guess },
	{ 3, "tag", NULL },
	{ 4, "recipients", &recipients },
};
const struct pst_shape shape_mac = { SHAPE_ARRAY, "COSE_Mac",
	FIELDS(mac_fields) };

const struct pst_shape shape_encrypt0 = { SHAPE_ARRAY, "COSE_Encrypt0",
	.fields = recipient_fields, .count = 3 };
const struct pst_shape shape_encrypt = { SHAPE_ARRAY, "COSE_Encrypt",
	FIELDS(recipient_fields) };
