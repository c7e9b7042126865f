/*
 * The service for applications: real sockets, threads and timers; the agent
 * is a double.
 */
#include "broker/broker.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#include "cases.h"
#include "double.h"
#include "test.h"

static char folder[64], path[96], answer[PST_BROKER_LINE_MAX];
static const char *const tees[] = { "one", "two" };
static struct pst_broker_serve serve;
static atomic_bool stop;
static int wake[2];
static pthread_t thread;
static enum pst_err served;

static void
nap(int ms)
{
	struct timespec t = { .tv_sec = ms / 1000,
		.tv_nsec = (ms % 1000) * 1000000L };

	(void)nanosleep(&t, NULL);
}

/* "ta" is [h'7461']; anything else of two letters likewise. */
static enum pst_err
parse(const char *text, uint8_t *buf, size_t cap, size_t *len)
{
	if (strlen(text) != 2 || cap < 4)
		return PST_ERR_ARG;
	memcpy(buf, "\x81\x42", 2);
	memcpy(buf + 2, text, 2);
	*len = 4;
	return PST_OK;
}

static void *
run(void *arg)
{
	(void)arg;
	served = pst_broker_serve(&serve);
	return NULL;
}

static bool
ready(void)
{
	int i;

	for (i = 0; i < 100; i++) {
		if (pst_broker_ask(path, "{\"command\":\"ping\"}", answer,
			sizeof(answer)) == PST_OK)
			return true;
		nap(20);
	}
	return false;
}

static void
prepare(void)
{
	double_reset();
	(void)snprintf(folder, sizeof(folder), "/tmp/broker-XXXXXX");
	if (mkdtemp(folder) == NULL || pipe2(wake, O_CLOEXEC) != 0)
		abort();
	(void)snprintf(path, sizeof(path), "%s/sock", folder);
	memset(&serve, 0, sizeof(serve));
	atomic_store(&stop, false);
	serve.tees = tees;
	serve.tee_count = 2;
	serve.socket = path;
	serve.parse = parse;
	serve.stop = &stop;
	serve.wake_fd = wake[0];
	serve.interval_s = 3600;
}

static void
begin(void)
{
	prepare();
	if (pthread_create(&thread, NULL, run, NULL) != 0 || !ready())
		abort();
	/* The policy checks of the start are over. */
	while (double_count() < serve.tee_count)
		nap(5);
	double_reset();
}

static void
clean_up(void)
{
	(void)close(wake[0]);
	(void)close(wake[1]);
	(void)unlink(path);
	(void)rmdir(folder);
}

static void
end(void)
{
	atomic_store(&stop, true);
	if (write(wake[1], "x", 1) != 1)
		abort();
	(void)pthread_join(thread, NULL);
	clean_up();
}

static bool
ask(const char *line, const char *status)
{
	char want[64];

	(void)snprintf(want, sizeof(want), "\"status\":\"%s\"", status);
	if (pst_broker_ask(path, line, answer, sizeof(answer)) != PST_OK)
		return false;
	if (strstr(answer, want) == NULL)
		printf("  %s\n", answer);
	return strstr(answer, want) != NULL;
}

static void
an_application_is_served(void)
{
	struct stat st;

	begin();
	CHECK(stat(path, &st) == 0);
	CHECK_EQ(st.st_mode & 0777, 0660);
	double_installed("\x81\x42ta");
	CHECK(ask("{\"command\":\"request\",\"component\":\"ta\","
		  "\"tam\":\"https://tam.example/\"}",
	    "done"));
	CHECK(strstr(answer, "\"tee\":\"one\"") != NULL);
	CHECK_EQ(double_count(), 1);
	CHECK_EQ(double_call(0)->command, PST_AGENT_TA_REQUEST_TA);
	CHECK(strcmp(double_call(0)->uri, "https://tam.example/") == 0);
	CHECK(ask("{\"command\":\"request\",\"component\":\"tb\","
		  "\"tee\":\"two\"}",
	    "failed"));
	CHECK(strstr(answer, "\"tee\":\"two\"") != NULL);
	CHECK(ask("{\"command\":\"unrequest\",\"component\":\"ta\"}", "done"));
	CHECK_EQ(double_call(2)->command, PST_AGENT_TA_UNREQUEST_TA);
	/* Every TEE, and now. */
	CHECK(ask("{\"command\":\"sync\"}", "done"));
	CHECK_EQ(double_count(), 5);
	CHECK_EQ(double_call(4)->flags, PST_AGENT_TA_FORCE);
	end();
	CHECK_EQ(served, PST_OK);
	CHECK_EQ(double_open(), 0);
	CHECK(access(path, F_OK) != 0);
}

static void
a_component_is_looked_for_where_it_is(void)
{
	begin();
	double_installed("\x81\x42ta");
	double_installed_in("two");
	CHECK(ask("{\"command\":\"unrequest\",\"component\":\"ta\"}", "done"));
	CHECK_EQ(double_count(), 1);
	CHECK(strcmp(double_call(0)->tee, "two") == 0);
	/* What is nowhere yet goes to the first. */
	CHECK(ask("{\"command\":\"request\",\"component\":\"tb\"}", "failed"));
	CHECK(strcmp(double_call(1)->tee, "one") == 0);
	/* A name decides. */
	CHECK(ask("{\"command\":\"unrequest\",\"component\":\"ta\","
		  "\"tee\":\"one\"}",
	    "done"));
	CHECK(strcmp(double_call(2)->tee, "one") == 0);
	end();
}

static void
what_is_not_a_request_is_refused(void)
{
	static const char *const bad[] = { "", "hello", "[]", "{}",
		"{\"command\":1}", "{\"command\":\"fly\"}",
		"{\"command\":\"request\"}",
		"{\"command\":\"request\",\"component\":\"nonsense\"}",
		"{\"command\":\"sync\",\"tee\":\"three\"}",
		"{\"command\":\"request\",\"komponent\":\"ta\"}",
		"{\"command\":\"sync\",\"command\":\"sync\"}" };
	size_t i;

	begin();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK(ask(bad[i], "refused"));
	CHECK_EQ(double_count(), 0);
	end();
}

static int
dial(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	if (connect(fd, (struct sockaddr *)&a, sizeof(a)) != 0)
		abort();
	return fd;
}

/* All that comes until the service hangs up, or `lines` lines. */
static size_t
hear(int fd, size_t lines)
{
	size_t len = 0, seen = 0, i;
	ssize_t n;

	while (len < sizeof(answer) - 1 && seen < lines) {
		n = recv(fd, answer + len, sizeof(answer) - 1 - len, 0);
		if (n <= 0)
			break;
		for (i = len; i < len + (size_t)n; i++)
			seen += answer[i] == '\n';
		len += (size_t)n;
	}
	answer[len] = '\0';
	return seen;
}

static void
lines_may_come_together_or_in_pieces(void)
{
	static const char two[] = "{\"command\":\"ping\"}\n"
				  "{\"command\":\"ping\"}\n{\"comm";
	int fd;

	begin();
	fd = dial();
	CHECK(send(fd, two, strlen(two), 0) > 0);
	CHECK_EQ(hear(fd, 2), 2);
	nap(50);
	CHECK(send(fd, "and\":\"ping\"}\n", 13, 0) > 0);
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(strstr(answer, "running") != NULL);
	CHECK(send(fd, "{\"command\":\"ping\"}\0\n", 20, 0) > 0);
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(strstr(answer, "refused") != NULL);
	(void)close(fd);
	end();
}

static void
a_line_without_end_is_cut_off(void)
{
	char rubbish[2 * PST_BROKER_LINE_MAX];
	int fd;

	begin();
	fd = dial();
	memset(rubbish, 'x', sizeof(rubbish));
	(void)send(fd, rubbish, sizeof(rubbish), MSG_NOSIGNAL);
	CHECK_EQ(hear(fd, 1), 1);
	CHECK(strstr(answer, "too long") != NULL);
	(void)close(fd);
	CHECK(ask("{\"command\":\"ping\"}", "done"));
	end();
}

/* RFC 9397, Section 9.3 */
static void
requests_of_a_uid_are_limited(void)
{
	int i;

	prepare();
	serve.burst = 3;
	serve.refill_s = 1;
	CHECK(pthread_create(&thread, NULL, run, NULL) == 0 && ready());
	while (double_count() < serve.tee_count)
		nap(5);
	for (i = 0; i < 3; i++)
		CHECK(ask("{\"command\":\"sync\",\"tee\":\"one\"}", "done"));
	CHECK(ask("{\"command\":\"sync\",\"tee\":\"one\"}", "refused"));
	CHECK(strstr(answer, "too many requests") != NULL);
	CHECK(ask("{\"command\":\"ping\"}", "done"));
	nap(1100);
	CHECK(ask("{\"command\":\"sync\",\"tee\":\"one\"}", "done"));
	CHECK(ask("{\"command\":\"sync\",\"tee\":\"one\"}", "refused"));
	end();
}

static void
connections_of_a_uid_are_limited(void)
{
	int fds[8], i, extra;

	begin();
	nap(50); /* those of the start are reaped */
	for (i = 0; i < 8; i++) {
		fds[i] = dial();
		CHECK(send(fds[i], "{\"command\":\"ping\"}\n", 19, 0) == 19);
		CHECK_EQ(hear(fds[i], 1), 1);
	}
	extra = dial();
	CHECK_EQ(hear(extra, 1), 1);
	CHECK(strstr(answer, "too many connections") != NULL);
	(void)close(extra);
	for (i = 0; i < 8; i++)
		(void)close(fds[i]);
	nap(50);
	CHECK(ask("{\"command\":\"ping\"}", "done"));
	end();
}

static void *
ask_in_background(void *arg)
{
	char mine[PST_BROKER_LINE_MAX];

	return pst_broker_ask(path, arg, mine, sizeof(mine)) == PST_OK &&
		strstr(mine, "done") != NULL
	    ? arg
	    : NULL;
}

/* One session an agent; several TEEs side by side. */
static int
at_once(const char *tee_a, const char *tee_b)
{
	char lines[4][64];
	pthread_t threads[4];
	void *ok = NULL;
	int i, good = 0;

	double_reset();
	double_slow(100);
	for (i = 0; i < 4; i++) {
		(void)snprintf(lines[i], sizeof(lines[i]),
		    "{\"command\":\"sync\",\"tee\":\"%s\"}",
		    i % 2 == 0 ? tee_a : tee_b);
		if (pthread_create(
			&threads[i], NULL, ask_in_background, lines[i]) != 0)
			abort();
	}
	for (i = 0; i < 4; i++) {
		(void)pthread_join(threads[i], &ok);
		good += ok != NULL;
	}
	return good == 4 ? double_at_once() : -1;
}

static void
an_agent_has_one_session_at_a_time(void)
{
	begin();
	CHECK_EQ(at_once("one", "one"), 1);
	CHECK_EQ(at_once("one", "two"), 2);
	end();
}

static void
a_stop_does_not_wait_for_connections(void)
{
	struct timespec a, b;
	int fd;

	begin();
	fd = dial();
	CHECK(send(fd, "{\"comm", 6, 0) == 6);
	nap(50);
	(void)clock_gettime(CLOCK_MONOTONIC, &a);
	end();
	(void)clock_gettime(CLOCK_MONOTONIC, &b);
	CHECK(b.tv_sec - a.tv_sec < 3);
	CHECK_EQ(hear(fd, 1), 0);
	(void)close(fd);
	CHECK_EQ(served, PST_OK);
}

static void
a_second_service_on_a_socket_is_refused(void)
{
	begin();
	CHECK_EQ(pst_broker_serve(&serve), PST_ERR_BUSY);
	CHECK(ask("{\"command\":\"ping\"}", "done"));
	end();
}

static void
a_socket_that_was_left_behind_is_replaced(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);

	prepare();
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	(void)close(fd);
	CHECK(pthread_create(&thread, NULL, run, NULL) == 0 && ready());
	end();
	/* A file that is no socket stays. */
	prepare();
	fd = open(path, O_CREAT | O_WRONLY | O_CLOEXEC, 0600);
	CHECK(write(fd, "mine", 4) == 4);
	(void)close(fd);
	CHECK_EQ(pst_broker_serve(&serve), PST_ERR_IO);
	CHECK(access(path, F_OK) == 0);
	clean_up();
}

static void
policies_are_checked_on_a_timer(void)
{
	prepare();
	serve.interval_s = 1;
	serve.tee_count = 1;
	serve.socket = NULL; /* a service without applications */
	CHECK(pthread_create(&thread, NULL, run, NULL) == 0);
	nap(1600);
	end();
	CHECK(double_count() == 2);
	CHECK_EQ(double_call(0)->command, PST_AGENT_TA_POLICY_CHECK);
	CHECK_EQ(double_call(0)->flags, 0);
	CHECK_EQ(double_call(1)->command, PST_AGENT_TA_POLICY_CHECK);
}

/* sd_listen_fds(3), sd_notify(3) */
static void
systemd_passes_the_socket_and_is_told(void)
{
	struct sockaddr_un a = { .sun_family = AF_UNIX };
	char pid[16], notify[sizeof(a.sun_path)], text[32] = "";
	int fd, heard, third = open("/dev/null", O_RDONLY | O_CLOEXEC);
	int saved = dup(3);

	/* Descriptor 3 is systemd's; whatever of ours is there moves. */
	CHECK(third >= 3 && saved > 3);
	heard = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	prepare();
	serve.socket = NULL;
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s/notify", folder);
	(void)snprintf(notify, sizeof(notify), "%s", a.sun_path);
	CHECK(bind(heard, (struct sockaddr *)&a, sizeof(a)) == 0);
	(void)snprintf(a.sun_path, sizeof(a.sun_path), "%s", path);
	fd = socket(AF_UNIX, SOCK_STREAM, 0);
	CHECK(bind(fd, (struct sockaddr *)&a, sizeof(a)) == 0);
	CHECK(listen(fd, 4) == 0);
	if (fd != 3) {
		CHECK(dup2(fd, 3) == 3);
		(void)close(fd);
	}
	(void)snprintf(pid, sizeof(pid), "%d", (int)getpid());
	(void)setenv("LISTEN_PID", pid, 1);
	(void)setenv("LISTEN_FDS", "1", 1);
	(void)setenv("NOTIFY_SOCKET", notify, 1);
	CHECK(pthread_create(&thread, NULL, run, NULL) == 0 && ready());
	CHECK(recv(heard, text, sizeof(text) - 1, 0) == 7);
	CHECK(strcmp(text, "READY=1") == 0);
	CHECK(getenv("LISTEN_FDS") == NULL);
	atomic_store(&stop, true);
	CHECK(write(wake[1], "x", 1) == 1);
	(void)pthread_join(thread, NULL);
	memset(text, 0, sizeof(text));
	CHECK(recv(heard, text, sizeof(text) - 1, 0) == 10);
	CHECK(strcmp(text, "STOPPING=1") == 0);
	/* systemd's socket is systemd's to remove */
	CHECK(access(path, F_OK) == 0);
	(void)unsetenv("NOTIFY_SOCKET");
	(void)unlink(notify);
	(void)close(heard);
	(void)dup2(saved, 3);
	(void)close(saved);
	(void)close(third);
	clean_up();
}

static void
a_configuration_that_cannot_work_is_refused(void)
{
	prepare();
	serve.tee_count = 0;
	CHECK_EQ(pst_broker_serve(&serve), PST_ERR_ARG);
	serve.tee_count = PST_BROKER_TEES_MAX + 1;
	CHECK_EQ(pst_broker_serve(&serve), PST_ERR_ARG);
	serve.tee_count = 2;
	serve.parse = NULL;
	CHECK_EQ(pst_broker_serve(&serve), PST_ERR_ARG);
	serve.parse = parse;
	serve.stop = NULL;
	CHECK_EQ(pst_broker_serve(&serve), PST_ERR_ARG);
	clean_up();
	/* Asking where nobody serves. */
	CHECK_EQ(
	    pst_broker_ask(path, "{}", answer, sizeof(answer)), PST_ERR_IO);
	CHECK_EQ(pst_broker_ask(path, "{}\n{}", answer, sizeof(answer)),
	    PST_ERR_ARG);
}

void
serve_cases(void)
{
	RUN(an_application_is_served);
	RUN(a_component_is_looked_for_where_it_is);
	RUN(what_is_not_a_request_is_refused);
	RUN(lines_may_come_together_or_in_pieces);
	RUN(a_line_without_end_is_cut_off);
	RUN(requests_of_a_uid_are_limited);
	RUN(connections_of_a_uid_are_limited);
	RUN(an_agent_has_one_session_at_a_time);
	RUN(a_stop_does_not_wait_for_connections);
	RUN(a_second_service_on_a_socket_is_refused);
	RUN(a_socket_that_was_left_behind_is_replaced);
	RUN(policies_are_checked_on_a_timer);
	RUN(systemd_passes_the_socket_and_is_told);
	RUN(a_configuration_that_cannot_work_is_refused);
	broker_cases += test_cases;
	broker_failures += test_failures;
}
