/* Keys in PKCS#11 tokens: the PIN is asked for at the terminal. */
#include <stdio.h>
#include <string.h>
#include <termios.h>

#include "diag/diag.h"
#include "token.h"

/* One line without echo; what was typed before the question is dropped. */
static bool
read_secret(FILE *tty, const char *token, char *out, int cap)
{
	struct termios old, silent;
	bool ok;

	if (tcgetattr(fileno(tty), &old) != 0)
		return false;
	silent = old;
	silent.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK | ECHONL);
	if (tcsetattr(fileno(tty), TCSAFLUSH, &silent) != 0)
		return false;
	fputs("PIN of the token ", tty);
	pst_print_safe(tty, cli_text(token));
	fputs(": ", tty);
	ok = fgets(out, cap, tty) != NULL;
	(void)tcsetattr(fileno(tty), TCSAFLUSH, &old);
	return ok;
}

static bool
ask(void *ctx, const char *token, char pin[PST_P11_PIN_MAX + 1])
{
	FILE *tty = fopen("/dev/tty", "r+");
	bool ok;

	(void)ctx;
	if (tty == NULL)
		return false;
	/* Nothing of it stays in a buffer of stdio. */
	setvbuf(tty, NULL, _IONBF, 0);
	ok = read_secret(tty, token, pin, PST_P11_PIN_MAX + 1);
	fputc('\n', tty);
	fclose(tty);
	pin[ok ? strcspn(pin, "\r\n") : 0] = '\0';
	return ok;
}

static const struct pst_p11_prompt prompt = { NULL, ask };

int
cli_token_open(const char *uri, struct pst_p11_key **out)
{
	const char *why = NULL;
	enum pst_err err = pst_p11_open(uri, &prompt, out, &why);

	if (err == PST_OK)
		return CLI_DONE;
	/* Perhaps with a PIN in it: that is not said again. */
	if (err == PST_ERR_ARG)
		return cli_fail("pkcs11: %s", why);
	return cli_fail("%s: %s", uri, why);
}

int
cli_token_unlock(const char *uri, struct pst_p11_key *key)
{
	const char *file = pst_p11_pin_file(key);
	const char *why = NULL;

	if (file != NULL && pst_key_file_exposed(file))
		cli_warn("%s: others can read this PIN", file);
	if (pst_p11_unlock(key, &why) == PST_OK)
		return CLI_DONE;
	return cli_fail("%s: %s", uri, why);
}
