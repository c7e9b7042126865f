#include <stdlib.h>
#include <sys/socket.h>
#include <time.h>

#include "http_internal.h"

int64_t
pst_http_now_ms(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (int64_t)t.tv_sec * 1000 + t.tv_nsec / 1000000;
}

static struct pst_http_conn *
conn_of(struct MHD_Connection *c)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_SOCKET_CONTEXT);

	return info != NULL ? info->socket_context : NULL;
}

static void
opened(struct pst_http *http, struct MHD_Connection *c, void **ctx)
{
	const union MHD_ConnectionInfo *info =
	    MHD_get_connection_info(c, MHD_CONNECTION_INFO_CONNECTION_FD);
	struct pst_http_conn *conn = calloc(1, sizeof(*conn));

	/* Without a record the library's own idle limit still holds. */
	if (conn == NULL || info == NULL) {
		free(conn);
		return;
	}
	conn->fd = info->connect_fd;
	conn->deadline_ms = pst_http_now_ms() + http->config.request_ms;
	pthread_mutex_lock(&http->lock);
	conn->next = http->conns;
	if (http->conns != NULL)
		http->conns->prev = conn;
	http->conns = conn;
	pthread_mutex_unlock(&http->lock);
	*ctx = conn;
}

static void
closed(struct pst_http *http, void **ctx)
{
	struct pst_http_conn *conn = *ctx;

	if (conn == NULL)
		return;
	pthread_mutex_lock(&http->lock);
	if (conn->prev != NULL)
		conn->prev->next = conn->next;
	else
		http->conns = conn->next;
	if (conn->next != NULL)
		conn->next->prev = conn->prev;
	pthread_mutex_unlock(&http->lock);
	free(conn);
	*ctx = NULL;
}

void
pst_http_conn_notify(void *cls, struct MHD_Connection *c, void **ctx,
    enum MHD_ConnectionNotificationCode code)
{
	struct pst_http_instance *in = cls;

	if (code == MHD_CONNECTION_NOTIFY_STARTED)
		opened(in->http, c, ctx);
	else
		closed(in->http, ctx);
}

void
pst_http_conn_deadline(struct MHD_Connection *c, int64_t deadline_ms)
{
	struct pst_http_conn *conn = conn_of(c);

	if (conn != NULL)
		atomic_store(&conn->deadline_ms, deadline_ms);
}

/*
 * The library closes a connection on which nothing moves; a client that sends
 * a byte now and then is closed here. The descriptor is still this
 * connection's: the library says "closed", which takes the lock, before it
 * closes it. Its own thread sees the end of the stream and tidies up.
 */
void
pst_http_conn_expire(struct pst_http *http)
{
	struct pst_http_conn *conn;
	int64_t now = pst_http_now_ms();

	pthread_mutex_lock(&http->lock);
	for (conn = http->conns; conn != NULL; conn = conn->next) {
		if (atomic_load(&conn->deadline_ms) < now)
			(void)shutdown(conn->fd, SHUT_RDWR);
	}
	pthread_mutex_unlock(&http->lock);
}
