/*
 * A scripted HTTP server on loopback: it answers each request with the next
 * reply of its script, byte for byte, and remembers what was asked. One
 * connection at a time; TLS with a certificate made for the run.
 */
#ifndef BROKER_TEST_SERVER_H
#define BROKER_TEST_SERVER_H

#include <stdbool.h>
#include <stddef.h>

enum { SERVER_STEPS_MAX = 32, SERVER_HEAD_MAX = 2048 };

struct server;

/** A reply. Bytes are text, or `fill` bytes of 'x' after the text. */
struct server_step {
	const char *text; /* head and body; copied */
	size_t fill;
	int delay_ms; /* before the first byte */
	bool end;     /* close the connection afterwards */
};

/** @param tls  with a fresh self-signed certificate for 127.0.0.1 */
struct server *server_start(bool tls);
void server_stop(struct server *s);

/** "http://127.0.0.1:PORT" or "https://…"; views the server. */
const char *server_base(const struct server *s);
/** PEM file of the certificate, for cacert. */
const char *server_cacert(const struct server *s);

/** Append to the script. */
void server_reply(struct server *s, const struct server_step *step);
/** 200 with the TEEP media type and this body. */
void server_reply_teep(struct server *s, const char *body);

/** How many requests came, and the head and body of the n-th, terminated. */
size_t server_count(struct server *s);
const char *server_request(struct server *s, size_t n);

#endif
