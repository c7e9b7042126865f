/*
 * Keys in PKCS#11 tokens, wherever a command takes the file of a key.
 */
#ifndef PST_CLI_TOKEN_H
#define PST_CLI_TOKEN_H

#include "cli.h"
#include "ports/pkcs11/pkcs11.h"

/** Find the key of a URI. @return CLI_DONE, or CLI_REFUSED after saying why */
int cli_token_open(const char *uri, struct pst_p11_key **out);

/** Log in, so that it can sign; says why not, as signing itself cannot. */
int cli_token_unlock(const char *uri, struct pst_p11_key *key);

#endif
