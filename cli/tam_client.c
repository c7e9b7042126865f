/* Calls to a running TAM over its admin socket. */
#include <curl/curl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#include <tam/log.h>

#include "tam.h"

enum { ANSWER_MAX = 64 << 20, PATH_LEN = 8192, TIMEOUT_S = 60, PAGE = 500 };

struct answer {
	char *text;
	size_t len;
};

static size_t
receive(char *data, size_t size, size_t n, void *ctx)
{
	struct answer *a = ctx;
	char *grown;

	(void)size;
	if (n > ANSWER_MAX - a->len)
		return 0;
	grown = realloc(a->text, a->len + n + 1);
	if (grown == NULL)
		return 0;
	a->text = grown;
	memcpy(a->text + a->len, data, n);
	a->len += n;
	a->text[a->len] = 0;
	return n;
}

char *
tam_escape(const char *text)
{
	static const char plain[] = "abcdefghijklmnopqrstuvwxyz"
				    "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
				    "0123456789-._~";
	char *out = malloc(3 * strlen(text) + 1), *at = out;

	if (out == NULL)
		return NULL;
	for (; *text != 0; text++) {
		if (strchr(plain, *text) != NULL)
			*at++ = *text;
		else
			at += sprintf(at, "%%%02X", (unsigned char)*text);
	}
	*at = 0;
	return out;
}

/* Write the URL, a star at a time. */
static bool
make_url(const struct tam_request *r, char *out, size_t cap)
{
	const char *word[2] = { r->one, r->two }, *p;
	size_t used = 0,
	       n = (size_t)snprintf(out, cap, "http://localhost/api/v1");
	char *escaped;

	for (p = r->path; *p != 0 && n < cap - 1; p++) {
		if (*p != '*') {
			out[n++] = *p;
			out[n] = 0;
			continue;
		}
		escaped = used < 2 && word[used] != NULL
		    ? tam_escape(word[used])
		    : NULL;
		used++;
		if (escaped == NULL)
			return false;
		n += (size_t)snprintf(out + n, cap - n, "%s", escaped);
		free(escaped);
		if (n >= cap)
			return false;
	}
	if (r->query != NULL)
		n += (size_t)snprintf(out + n, cap - n, "?%s", r->query);
	return n < cap;
}

static struct curl_slist *
headers_of(const struct tam_request *r)
{
	struct curl_slist *list = NULL;
	char type[128];

	/* No waiting for "100 Continue" on a local socket. */
	list = curl_slist_append(list, "Expect:");
	if (r->type == NULL)
		return list;
	snprintf(type, sizeof(type), "Content-Type: %s", r->type);
	return curl_slist_append(list, type);
}

static void
set_options(CURL *curl, const struct tam_request *r, const char *socket,
    const char *url, struct curl_slist *headers, struct answer *a)
{
	curl_easy_setopt(curl, CURLOPT_UNIX_SOCKET_PATH, socket);
	curl_easy_setopt(curl, CURLOPT_URL, url);
	curl_easy_setopt(curl, CURLOPT_PROTOCOLS_STR, "http");
	curl_easy_setopt(curl, CURLOPT_PROXY, "");
	curl_easy_setopt(curl, CURLOPT_TIMEOUT, (long)TIMEOUT_S);
	curl_easy_setopt(curl, CURLOPT_NOSIGNAL, 1L);
	curl_easy_setopt(curl, CURLOPT_HTTPHEADER, headers);
	curl_easy_setopt(curl, CURLOPT_WRITEFUNCTION, receive);
	curl_easy_setopt(curl, CURLOPT_WRITEDATA, a);
	if (r->type != NULL) {
		curl_easy_setopt(curl, CURLOPT_POSTFIELDS, r->body);
		curl_easy_setopt(
		    curl, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)r->len);
	}
	curl_easy_setopt(curl, CURLOPT_CUSTOMREQUEST, r->method);
}

static int
unreachable(const char *state, const char *socket, CURLcode code)
{
	if (code == CURLE_COULDNT_CONNECT)
		return cli_fail(
		    "no TAM serves %s; try: postern tam serve --state %s",
		    state, state);
	return cli_fail("%s: %s", socket, curl_easy_strerror(code));
}

static int
explain(const json_t *problem, long status)
{
	const char *detail =
	    json_string_value(json_object_get(problem, "detail"));

	if (detail != NULL)
		return cli_fail("%s", detail);
	return cli_fail("the TAM answered with HTTP status %ld", status);
}

static int
judge(const struct tam_request *r, struct answer *a, long http, json_t **out)
{
	json_t *json = NULL;
	int status = CLI_DONE;

	if (a->len > 0)
		json =
		    json_loadb(a->text, a->len, JSON_REJECT_DUPLICATES, NULL);
	if (http >= 200 && http < 300) {
		if (json == NULL && http != 204)
			status = cli_fail("the TAM's answer is not JSON");
	} else if (http != 404 || !r->quiet_404) {
		status = explain(json, http);
	} else {
		status = CLI_REFUSED;
	}
	if (status == CLI_DONE && out != NULL)
		*out = json;
	else
		json_decref(json);
	return status;
}

int
tam_call(const struct tam_args *a, const struct tam_request *r, json_t **out,
    long *http)
{
	char url[PATH_LEN], socket[PATH_LEN];
	struct answer answer = { NULL, 0 };
	struct curl_slist *headers;
	long code = 0;
	CURLcode done;
	CURL *curl;
	int status;

	if (out != NULL)
		*out = NULL;
	snprintf(socket, sizeof(socket), "%s/admin.sock", a->state);
	if (strlen(socket) >= sizeof(((struct sockaddr_un *)0)->sun_path))
		return cli_fail("%s: too long for a socket", socket);
	if (!make_url(r, url, sizeof(url)))
		return cli_fail("too long a name");
	curl = curl_easy_init();
	if (curl == NULL)
		return cli_fail("out of memory");
	headers = headers_of(r);
	set_options(curl, r, socket, url, headers, &answer);
	done = curl_easy_perform(curl);
	curl_easy_getinfo(curl, CURLINFO_RESPONSE_CODE, &code);
	if (http != NULL)
		*http = code;
	if (done == CURLE_OK)
		status = judge(r, &answer, code, out);
	else
		status = unreachable(a->state, socket, done);
	curl_slist_free_all(headers);
	curl_easy_cleanup(curl);
	free(answer.text);
	return status;
}

int
tam_send(const struct tam_args *a, const char *method, const char *path,
    const char *one, json_t *body, json_t **out, long *http)
{
	struct tam_request r = {
		.method = method,
		.path = path,
		.one = one,
		.type = "application/json",
	};
	char *text = json_dumps(body, JSON_COMPACT);
	int status;

	json_decref(body);
	if (text == NULL)
		return cli_fail("what was given is not UTF-8");
	r.body = text;
	r.len = strlen(text);
	status = tam_call(a, &r, out, http);
	free(text);
	return status;
}

/* --- output ------------------------------------------------------------ */

const char *
tam_text(const json_t *o, const char *member)
{
	const char *text = json_string_value(json_object_get(o, member));

	return text != NULL && text[0] != 0 ? text : "-";
}

/* Devices and their messages name things: a terminal must not obey them. */
static void
clean(json_t *j)
{
	const char *key;
	json_t *value;
	char *copy;
	size_t i;

	json_array_foreach(j, i, value)
	{
		clean(value);
	}
	json_object_foreach(j, key, value)
	{
		clean(value);
	}
	if (!json_is_string(j))
		return;
	copy = strdup(json_string_value(j));
	if (copy == NULL)
		return;
	pst_text_clean(copy, strlen(copy));
	json_string_set(j, copy);
	free(copy);
}

int
tam_show(const struct tam_args *a, json_t *item, tam_print *print)
{
	if (a->json) {
		json_dumpf(item, stdout, JSON_INDENT(2));
		putchar('\n');
	} else {
		clean(item);
		print(item);
	}
	json_decref(item);
	return CLI_DONE;
}

/** A listing under way. */
struct listing {
	const struct tam_args *a;
	tam_print *print;
	long shown;
};

static bool
enough(const struct listing *l)
{
	return l->a->limit > 0 && l->shown >= l->a->limit;
}

/* A report counts as failed when its manifest or its message did. */
static bool
passed_over(const struct listing *l, const json_t *item)
{
	return l->a->failed && json_is_true(json_object_get(item, "success"));
}

static void
print_page(struct listing *l, const json_t *page)
{
	json_t *item, *items = json_object_get(page, "items");
	size_t i;

	json_array_foreach(items, i, item)
	{
		if (enough(l))
			return;
		if (passed_over(l, item))
			continue;
		if (l->a->json) {
			fputs(l->shown > 0 ? ",\n" : "\n", stdout);
			json_dumpf(item, stdout, JSON_INDENT(2));
		} else {
			clean(item);
			l->print(item);
		}
		l->shown++;
	}
}

static int
list_source(struct listing *l, const struct tam_source *source, bool *begun)
{
	char query[96], cursor[32] = "0";
	struct tam_request r = { .method = "GET",
		.path = source->path,
		.one = source->one,
		.query = query };
	bool first = true, more = true;
	json_t *page;

	l->print = source->print;
	while (more && !enough(l)) {
		snprintf(
		    query, sizeof(query), "limit=%d&cursor=%s", PAGE, cursor);
		if (tam_call(l->a, &r, &page, NULL) != CLI_DONE)
			return CLI_REFUSED;
		if (!*begun && l->a->json)
			putchar('[');
		else if (first && !l->a->json)
			printf("%s\n", source->heading);
		*begun = true;
		first = false;
		print_page(l, page);
		more = json_is_string(json_object_get(page, "next"));
		snprintf(cursor, sizeof(cursor), "%s", tam_text(page, "next"));
		json_decref(page);
	}
	return CLI_DONE;
}

int
tam_lists(const struct tam_args *a, const struct tam_source *sources, size_t n)
{
	struct listing l = { .a = a };
	bool begun = false;
	size_t i;

	for (i = 0; i < n; i++)
		if (list_source(&l, &sources[i], &begun) != CLI_DONE)
			return CLI_REFUSED;
	if (a->json)
		puts(l.shown > 0 ? "\n]" : "]");
	return CLI_DONE;
}

int
tam_list(const struct tam_args *a, const char *path, const char *one,
    const char *heading, tam_print *print)
{
	const struct tam_source source = { path, one, heading, print };

	return tam_lists(a, &source, 1);
}
