/*
 * The database and its one writer.
 *
 * Threads queue jobs: lists of changes, and an operator's work. The writer
 * takes what is there, at most PST_TAM_BATCH_MAX, runs each in a savepoint of
 * one transaction, commits, and then tells each job how it went. While it
 * syncs the next batch gathers, so batches grow with the load. When the last
 * batch was more than one job it also waits PST_TAM_BATCH_MS for company: a
 * single device never waits, a crowd shares its syncs.
 */
#include "store_internal.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* "PSTT": tells this database from any other. */
#define APPLICATION_ID 1347638356
/* Larger files are not read whole at every start. */
#define CHECK_BYTES_MAX (256 * 1024 * 1024)
/* Expired rows are dropped so often, in the time of the changes. */
#define PURGE_S 30
/* Clocks of two nodes may differ so much before a purged challenge, which
 * has expired here, is accepted there. */
#define PURGE_MARGIN_S 300

struct job {
	struct job *next;
	struct pst_tam_changes changes; /* views the bytes behind the job */
	pst_tam_work *work;		/* else an operator's */
	void *work_ctx;
	pst_tam_done *done;
	void *done_ctx;
	enum pst_err err;
};

struct pst_tam_store {
	struct pst_tam_db db; /* the writer's */
	char *path;
	pthread_t thread;
	bool started;
	pthread_mutex_t lock;
	pthread_cond_t wake;
	/* under lock */
	struct job *first, **last;
	size_t queued;
	bool idle; /* the writer sleeps until something is queued */
	bool closing;
	/* the writer's own */
	uint64_t now_s;
	uint64_t purged_s;
};

/* --- opening ----------------------------------------------------------- */

static void
say(char *note, const char *path, const char *what)
{
	if (note != NULL)
		(void)snprintf(note, PST_TAM_NOTE_MAX, "%s: %s", path, what);
}

static enum pst_err
number(sqlite3 *sql, const char *text, int64_t *out)
{
	sqlite3_stmt *s = NULL;
	int rc;

	*out = 0;
	rc = sqlite3_prepare_v2(sql, text, -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW)
		*out = sqlite3_column_int64(s, 0);
	(void)sqlite3_finalize(s);
	return pst_tam_db_err(rc);
}

/* Is every page what SQLite wrote? One line of the first fault. */
static enum pst_err
check_pages(sqlite3 *sql)
{
	sqlite3_stmt *s = NULL;
	enum pst_err err = PST_OK;
	int rc;

	rc = sqlite3_prepare_v2(sql, "PRAGMA quick_check(1)", -1, &s, NULL);
	if (rc == SQLITE_OK)
		rc = sqlite3_step(s);
	if (rc == SQLITE_ROW && strcmp(pst_tam_col_str(s, 0), "ok") != 0)
		err = PST_ERR_STORE_DAMAGED;
	else if (rc != SQLITE_ROW)
		err = pst_tam_db_err(rc);
	(void)sqlite3_finalize(s);
	return err;
}

static enum pst_err
migrate_step(sqlite3 *sql, int version)
{
	char text[160];
	enum pst_err err;

	err = pst_tam_db_err(
	    sqlite3_exec(sql, pst_tam_schema[version - 1], NULL, NULL, NULL));
	if (err != PST_OK)
		return err;
	(void)snprintf(text, sizeof(text),
	    "INSERT INTO schema_version (version, applied_s) VALUES (%d, %lld)",
	    version, (long long)time(NULL));
	return pst_tam_db_err(sqlite3_exec(sql, text, NULL, NULL, NULL));
}

/* All missing steps in one transaction: the old schema or the new one. */
static enum pst_err
migrate(sqlite3 *sql, int from)
{
	char text[80];
	enum pst_err err;
	int v;

	(void)snprintf(
	    text, sizeof(text), "PRAGMA application_id = %d", APPLICATION_ID);
	err = pst_tam_db_err(
	    sqlite3_exec(sql, "BEGIN IMMEDIATE", NULL, NULL, NULL));
	if (err != PST_OK)
		return err;
	if (from == 0)
		err = pst_tam_db_err(sqlite3_exec(sql,
		    "CREATE TABLE schema_version (version INTEGER PRIMARY KEY,"
		    " applied_s INTEGER NOT NULL) STRICT",
		    NULL, NULL, NULL));
	if (err == PST_OK)
		err = pst_tam_db_err(sqlite3_exec(sql, text, NULL, NULL, NULL));
	for (v = from + 1; v <= pst_tam_schema_version && err == PST_OK; v++)
		err = migrate_step(sql, v);
	if (err == PST_OK)
		err = pst_tam_db_err(
		    sqlite3_exec(sql, "COMMIT", NULL, NULL, NULL));
	if (err != PST_OK)
		(void)sqlite3_exec(sql, "ROLLBACK", NULL, NULL, NULL);
	return err;
}

static enum pst_err
prepare_schema(sqlite3 *sql, const char *path, char *note)
{
	int64_t app, tables, version = 0;
	enum pst_err err;

	err = number(sql, "PRAGMA application_id", &app);
	if (err == PST_OK)
		err =
		    number(sql, "SELECT count(*) FROM sqlite_master", &tables);
	if (err != PST_OK)
		return err;
	if (tables > 0 && app != APPLICATION_ID) {
		say(note, path, "is the database of another program");
		return PST_ERR_STORE_DAMAGED;
	}
	if (tables > 0)
		err = number(
		    sql, "SELECT max(version) FROM schema_version", &version);
	if (err != PST_OK)
		return PST_ERR_STORE_DAMAGED;
	if (version > pst_tam_schema_version) {
		say(note, path, "was written by a newer version");
		return PST_ERR_UNSUPPORTED;
	}
	if (version == pst_tam_schema_version)
		return PST_OK;
	return migrate(sql, (int)version);
}

/* Only its owner reads the database: it names devices and holds tokens. */
static enum pst_err
touch(const char *path, off_t *bytes)
{
	struct stat st;
	int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC, 0600);

	if (fd < 0)
		return PST_ERR_STORE;
	*bytes = fstat(fd, &st) == 0 ? st.st_size : 0;
	return close(fd) == 0 ? PST_OK : PST_ERR_STORE;
}

static enum pst_err
open_database(struct pst_tam_store *s, char *note)
{
	off_t bytes;
	enum pst_err err;

	err = touch(s->path, &bytes);
	if (err != PST_OK) {
		say(note, s->path, strerror(errno));
		return err;
	}
	err = pst_tam_db_open(&s->db, s->path, true);
	if (err == PST_OK && bytes <= CHECK_BYTES_MAX)
		err = check_pages(s->db.sql);
	if (err == PST_OK)
		err = prepare_schema(s->db.sql, s->path, note);
	if (err == PST_ERR_STORE_DAMAGED && (note == NULL || note[0] == '\0'))
		say(note, s->path, "is damaged; restore it from a backup");
	else if (err != PST_OK && note != NULL && note[0] == '\0')
		say(note, s->path, "cannot be opened");
	return err;
}

/* --- jobs -------------------------------------------------------------- */

/* Views of a list, so that copying visits each of them once. */
static size_t
views_of(struct pst_tam_changes *ch, struct pst_bytes **views)
{
	size_t n = 0, i;

	views[n++] = &ch->claims;
	views[n++] = &ch->verdict;
	views[n++] = &ch->reasons;
	views[n++] = &ch->device_keys;
	views[n++] = &ch->evidence;
	views[n++] = &ch->evidence_format;
	views[n++] = &ch->tc_list.items;
	views[n++] = &ch->installed.items;
	views[n++] = &ch->removed.items;
	views[n++] = &ch->pending;
	views[n++] = &ch->ledger;
	views[n++] = &ch->msg;
	for (i = 0; i < ch->report_count; i++) {
		views[n++] = &ch->reports[i].manifest.bytes;
		views[n++] = &ch->reports[i].raw;
	}
	return n;
}

/* One allocation: the job and, behind it, all bytes that it views. */
static struct job *
job_of_changes(const struct pst_tam_changes *ch)
{
	struct pst_tam_changes copy = *ch;
	struct pst_bytes *views[12 + 2 * PST_TAM_REPORTS_MAX];
	size_t n = views_of(&copy, views), bytes = 0, i;
	struct job *job;
	uint8_t *at;

	for (i = 0; i < n; i++)
		bytes += views[i]->len;
	job = calloc(1, sizeof(*job) + bytes);
	if (job == NULL)
		return NULL;
	at = (uint8_t *)(job + 1);
	for (i = 0; i < n; i++) {
		if (views[i]->len > 0)
			memcpy(at, views[i]->ptr, views[i]->len);
		views[i]->ptr = at;
		at += views[i]->len;
	}
	job->changes = copy;
	return job;
}

static enum pst_err
enqueue(struct pst_tam_store *s, struct job *job)
{
	enum pst_err err = PST_OK;
	bool wake = false;

	(void)pthread_mutex_lock(&s->lock);
	if (s->closing)
		err = PST_ERR_STATE;
	else if (s->queued >= PST_TAM_QUEUE_MAX)
		err = PST_ERR_BUSY;
	if (err == PST_OK) {
		job->next = NULL;
		*s->last = job;
		s->last = &job->next;
		s->queued++;
		/* While it waits for company only a full batch is news. */
		wake = s->idle || s->queued == PST_TAM_BATCH_MAX;
		s->idle = false;
	}
	(void)pthread_mutex_unlock(&s->lock);
	/* Not under the lock: the writer would run into it. */
	if (wake)
		(void)pthread_cond_signal(&s->wake);
	return err;
}

enum pst_err
pst_tam_store_submit(struct pst_tam_store *store,
    const struct pst_tam_changes *changes, pst_tam_done *done, void *ctx)
{
	struct job *job = job_of_changes(changes);
	enum pst_err err;

	if (job == NULL)
		return PST_ERR_BUSY;
	job->done = done;
	job->done_ctx = ctx;
	err = enqueue(store, job);
	if (err != PST_OK)
		free(job);
	return err;
}

struct waiter {
	pthread_mutex_t lock;
	pthread_cond_t over;
	bool is_over;
	enum pst_err err;
};

static void
wake_waiter(void *ctx, enum pst_err err)
{
	struct waiter *w = ctx;

	(void)pthread_mutex_lock(&w->lock);
	w->err = err;
	w->is_over = true;
	(void)pthread_cond_signal(&w->over);
	(void)pthread_mutex_unlock(&w->lock);
}

static enum pst_err
enqueue_and_wait(struct pst_tam_store *s, struct job *job)
{
	struct waiter w = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
		false, PST_OK };
	enum pst_err err;

	if (job == NULL)
		return PST_ERR_BUSY;
	job->done = wake_waiter;
	job->done_ctx = &w;
	err = enqueue(s, job);
	if (err != PST_OK) {
		free(job);
		return err;
	}
	(void)pthread_mutex_lock(&w.lock);
	while (!w.is_over)
		(void)pthread_cond_wait(&w.over, &w.lock);
	(void)pthread_mutex_unlock(&w.lock);
	(void)pthread_cond_destroy(&w.over);
	(void)pthread_mutex_destroy(&w.lock);
	return w.err;
}

enum pst_err
pst_tam_store_apply(
    struct pst_tam_store *store, const struct pst_tam_changes *changes)
{
	return enqueue_and_wait(store, job_of_changes(changes));
}

enum pst_err
pst_tam_store_work(struct pst_tam_store *store, pst_tam_work *work, void *ctx)
{
	struct job *job = calloc(1, sizeof(*job));

	if (job != NULL) {
		job->work = work;
		job->work_ctx = ctx;
	}
	return enqueue_and_wait(store, job);
}

/* --- the writer -------------------------------------------------------- */

/* A refused job leaves nothing; the others of the batch are not touched. */
static enum pst_err
run_job(struct pst_tam_store *s, struct job *job)
{
	enum pst_err err;

	err = pst_tam_run_sql(&s->db, SQL_SAVE);
	if (err != PST_OK)
		return err;
	if (job->work != NULL)
		job->err = job->work(&s->db, job->work_ctx);
	else
		job->err = pst_tam_changes_apply(&s->db, &job->changes);
	if (job->changes.now_s > s->now_s)
		s->now_s = job->changes.now_s;
	if (job->err != PST_OK)
		err = pst_tam_run_sql(&s->db, SQL_SAVE_UNDO);
	if (err == PST_OK)
		err = pst_tam_run_sql(&s->db, SQL_SAVE_DONE);
	return err;
}

static enum pst_err
purge(struct pst_tam_store *s)
{
	if (s->now_s < s->purged_s + PURGE_S || s->now_s < PURGE_MARGIN_S)
		return PST_OK;
	s->purged_s = s->now_s;
	return pst_tam_purge(&s->db, s->now_s - PURGE_MARGIN_S);
}

static enum pst_err
run_batch(struct pst_tam_store *s, struct job *batch)
{
	struct job *job;
	enum pst_err err, undone;

	err = pst_tam_run_sql(&s->db, SQL_BEGIN);
	if (err != PST_OK)
		return err;
	for (job = batch; job != NULL && err == PST_OK; job = job->next)
		err = run_job(s, job);
	if (err == PST_OK)
		err = purge(s);
	if (err == PST_OK)
		err = pst_tam_run_sql(&s->db, SQL_COMMIT);
	if (err != PST_OK) {
		/* SQLite may have rolled back by itself; the cause stays. */
		undone = pst_tam_run_sql(&s->db, SQL_ROLLBACK);
		(void)undone;
	}
	return err;
}

static void
finish_batch(struct job *batch, enum pst_err err)
{
	struct job *next;

	for (; batch != NULL; batch = next) {
		next = batch->next;
		/* When nothing was committed nobody may hear a success. */
		batch->done(batch->done_ctx, err != PST_OK ? err : batch->err);
		free(batch);
	}
}

static void
wait_for_company(struct pst_tam_store *s)
{
	struct timespec until;

	(void)clock_gettime(CLOCK_MONOTONIC, &until);
	until.tv_nsec += PST_TAM_BATCH_MS * 1000000L;
	if (until.tv_nsec >= 1000000000L) {
		until.tv_sec++;
		until.tv_nsec -= 1000000000L;
	}
	while (s->queued < PST_TAM_BATCH_MAX && !s->closing) {
		if (pthread_cond_timedwait(&s->wake, &s->lock, &until) != 0)
			break;
	}
}

/* Take at most PST_TAM_BATCH_MAX jobs; NULL when the store closes. */
static struct job *
take_batch(struct pst_tam_store *s, size_t *count)
{
	struct job *batch, **end;
	size_t last = *count;

	(void)pthread_mutex_lock(&s->lock);
	while (s->first == NULL && !s->closing) {
		s->idle = true;
		(void)pthread_cond_wait(&s->wake, &s->lock);
	}
	s->idle = false;
	if (last > 1 && s->first != NULL)
		wait_for_company(s);
	batch = s->first;
	end = &s->first;
	for (*count = 0; *end != NULL && *count < PST_TAM_BATCH_MAX; ++*count)
		end = &(*end)->next;
	s->first = *end;
	*end = NULL;
	if (s->first == NULL)
		s->last = &s->first;
	s->queued -= *count;
	(void)pthread_mutex_unlock(&s->lock);
	return batch;
}

static void *
writer(void *ctx)
{
	struct pst_tam_store *s = ctx;
	struct job *batch;
	size_t count = 0;

	while ((batch = take_batch(s, &count)) != NULL)
		finish_batch(batch, run_batch(s, batch));
	return NULL;
}

/* --- the store --------------------------------------------------------- */

static enum pst_err
start_writer(struct pst_tam_store *s)
{
	pthread_condattr_t attr;
	int rc;

	(void)pthread_mutex_init(&s->lock, NULL);
	(void)pthread_condattr_init(&attr);
	(void)pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
	(void)pthread_cond_init(&s->wake, &attr);
	(void)pthread_condattr_destroy(&attr);
	rc = pthread_create(&s->thread, NULL, writer, s);
	s->started = rc == 0;
	return rc == 0 ? PST_OK : PST_ERR_LIMIT;
}

enum pst_err
pst_tam_store_open(
    const char *path, struct pst_tam_store **out, char note[PST_TAM_NOTE_MAX])
{
	struct pst_tam_store *s = calloc(1, sizeof(*s));
	enum pst_err err;

	*out = NULL;
	if (note != NULL)
		note[0] = '\0';
	if (s == NULL)
		return PST_ERR_LIMIT;
	s->last = &s->first;
	s->path = strdup(path);
	err = s->path != NULL ? PST_OK : PST_ERR_LIMIT;
	if (err == PST_OK)
		err = open_database(s, note);
	if (err == PST_OK)
		err = start_writer(s);
	if (err != PST_OK) {
		pst_tam_store_close(&s);
		return err;
	}
	*out = s;
	return PST_OK;
}

void
pst_tam_store_close(struct pst_tam_store **store)
{
	struct pst_tam_store *s = *store;

	if (s == NULL)
		return;
	if (s->started) {
		(void)pthread_mutex_lock(&s->lock);
		s->closing = true;
		(void)pthread_cond_signal(&s->wake);
		(void)pthread_mutex_unlock(&s->lock);
		(void)pthread_join(s->thread, NULL);
		(void)pthread_cond_destroy(&s->wake);
		(void)pthread_mutex_destroy(&s->lock);
	}
	pst_tam_db_close(&s->db);
	free(s->path);
	free(s);
	*store = NULL;
}

const char *
pst_tam_store_path(const struct pst_tam_store *store)
{
	return store->path;
}
