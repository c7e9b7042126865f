/* postern tam devices enroll, add-key, remove-key. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "ports/openssl/openssl.h"
#include "tam.h"

/* Room for the longest identity, in hexadecimal. */
enum { IDENTITY_MAX = 64, HEX_LEN = 2 * IDENTITY_MAX + 1 };

static void
print_enrolled(const json_t *d)
{
	printf("enrolled %s (attester %s)\n", tam_text(d, "name"),
	    tam_text(d, "attester"));
}

static void
print_enrolled_before(const json_t *d)
{
	printf("%s was enrolled already\n", tam_text(d, "name"));
}

static void
print_added(const json_t *d)
{
	printf("%s has attester %s too; remove-key takes the old one back\n",
	    tam_text(d, "name"), tam_text(d, "attester"));
}

/* text:WORD as hexadecimal; anything else is the server's to judge. */
static bool
identity_hex(const char *text, char out[HEX_LEN])
{
	static const char prefix[] = "text:";
	size_t i, len = strlen(text);

	if (strncmp(text, prefix, sizeof(prefix) - 1) != 0) {
		(void)snprintf(out, HEX_LEN, "%s", text);
		return len < HEX_LEN;
	}
	text += sizeof(prefix) - 1;
	len -= sizeof(prefix) - 1;
	for (i = 0; i < len && i < IDENTITY_MAX; i++)
		(void)sprintf(out + 2 * i, "%02x", (unsigned char)text[i]);
	return len > 0 && len <= IDENTITY_MAX;
}

static int
put_file(json_t *body, const struct tam_args *a)
{
	struct cli_file f;
	char *pem;
	int status;

	if (a->key != NULL) {
		status = tam_public_key(a->key, &pem);
		if (status == CLI_DONE)
			json_object_set_new(body, "key", json_string(pem));
		free(pem);
		return status;
	}
	if (a->certificate == NULL)
		return CLI_DONE;
	status = cli_read(a->certificate, PST_KEY_FILE_MAX, &f);
	if (status != CLI_DONE)
		return status;
	if (json_object_set_new(body, "certificate",
		json_stringn((const char *)f.ptr, f.len)) != 0)
		status = cli_fail("%s: not PEM", a->certificate);
	cli_file_free(&f);
	return status;
}

/** The members that describe an attester; *out is owned. */
static int
describe(const struct tam_args *a, json_t **out)
{
	json_t *body = json_object();
	char hex[HEX_LEN];
	int status = put_file(body, a);

	if (a->technology != NULL)
		json_object_set_new(
		    body, "technology", json_string(a->technology));
	if (status == CLI_DONE && a->identity != NULL) {
		if (identity_hex(a->identity, hex))
			json_object_set_new(body, "identity", json_string(hex));
		else
			status = cli_usage(a->command,
			    "--identity: 1 to 64 bytes, in hexadecimal or as "
			    "text:WORD");
	}
	*out = body;
	if (status == CLI_DONE)
		return CLI_DONE;
	json_decref(body);
	*out = NULL;
	return status;
}

static bool
says_who(const struct tam_args *a)
{
	return a->key != NULL || a->certificate != NULL || a->identity != NULL;
}

int
tam_enroll(const struct tam_args *a, const char *name)
{
	json_t *body, *device;
	int status;
	long http;

	if (!says_who(a))
		return cli_usage(a->command,
		    "enroll needs --key FILE, the device's public attestation "
		    "key, or --certificate FILE, or --identity VALUE");
	status = describe(a, &body);
	if (status != CLI_DONE)
		return status;
	if (name != NULL)
		json_object_set_new(body, "name", json_string(name));
	if (tam_send(a, "POST", "/devices", NULL, body, &device, &http) !=
	    CLI_DONE)
		return CLI_REFUSED;
	return tam_show(
	    a, device, http == 201 ? print_enrolled : print_enrolled_before);
}

int
tam_add_key(const struct tam_args *a, const char *name)
{
	json_t *body, *device;
	int status;

	if (!says_who(a))
		return cli_usage(a->command,
		    "add-key needs --key FILE, --certificate FILE or "
		    "--identity VALUE");
	status = describe(a, &body);
	if (status != CLI_DONE)
		return status;
	if (tam_send(a, "POST", "/devices/*/attesters", name, body, &device,
		NULL) != CLI_DONE)
		return CLI_REFUSED;
	return tam_show(a, device, print_added);
}

int
tam_remove_key(const struct tam_args *a, const char *name)
{
	struct tam_request r = { .method = "DELETE",
		.path = "/devices/*/attesters/*",
		.one = name,
		.two = a->attester };

	if (a->attester == NULL)
		return cli_usage(a->command,
		    "remove-key needs --attester HEX, as `show` lists it");
	if (tam_call(a, &r, NULL, NULL) != CLI_DONE)
		return CLI_REFUSED;
	if (!a->json)
		printf("%s has attester %s no longer\n", name, a->attester);
	return CLI_DONE;
}
