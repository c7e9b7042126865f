/*
 * The store by itself: migrations, damage, crashes, limits, operators.
 */
#include "world.h"

#include <errno.h>
#include <fcntl.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

static struct world w;
static struct agent a, b;

static const struct pst_bytes none = { NULL, 0 };

#define BEGIN() CHECK(world_open(&w))
#define END() world_close(&w)

static struct pst_tam_counts
counts(void)
{
	struct pst_tam_counts c;

	if (pst_tam_count(w.reader, &c) != PST_OK)
		memset(&c, 0xff, sizeof(c));
	return c;
}

static void
stop_store(void)
{
	pst_tam_reader_close(&w.reader);
	pst_tam_store_close(&w.store);
}

/* --- opening ----------------------------------------------------------- */

static void
the_database_is_its_owners_only(void)
{
	struct stat st;

	BEGIN();
	CHECK_EQ(stat(w.db, &st), 0);
	CHECK_EQ(st.st_mode & 0777, 0600);
	END();
}

static bool
sql(const char *path, const char *text)
{
	sqlite3 *db = NULL;
	char *why = NULL;
	bool ok = sqlite3_open(path, &db) == SQLITE_OK &&
	    sqlite3_exec(db, text, NULL, NULL, &why) == SQLITE_OK;

	if (why != NULL)
		printf("  %s\n", why);
	sqlite3_free(why);
	(void)sqlite3_close(db);
	return ok;
}

static bool
note_id(void *ctx, const struct pst_tam_device_row *row)
{
	*(int64_t *)ctx = row->id;
	return true;
}

static bool
count_attester(void *ctx, const struct pst_tam_attester *row)
{
	*(size_t *)ctx += row->identity.len > 0;
	return true;
}

/* How many attest for a device. */
static size_t
attesters(const char *name)
{
	int64_t id = 0;
	size_t n = 0;

	if (pst_tam_find_device(w.reader, name, note_id, &id) != PST_OK ||
	    pst_tam_list_attesters(w.reader, id, count_attester, &n) != PST_OK)
		return SIZE_MAX;
	return n;
}

/* Does this attester speak for device id, with this technology? */
static bool
by_id(int64_t id, const char *technology, struct pst_bytes attester)
{
	struct pst_tam_device d;
	struct pst_bytes t = { (const uint8_t *)technology,
		strlen(technology) };

	return w.records.device_by_attester(w.records.ctx, attester, &d) ==
	    PST_OK &&
	    d.id == id && pst_equal(d.technology, t) &&
	    pst_equal(d.attester, attester);
}

/* Is this the key beside the attester's name? */
static bool
keyed_by(struct pst_bytes attester, const struct pst_pubkey *want)
{
	struct pst_tam_device d;
	struct pst_pubkey key;

	return w.records.device_by_attester(w.records.ctx, attester, &d) ==
	    PST_OK &&
	    pst_cose_key_decode(d.attestation_key, &key, NULL, NULL) ==
	    PST_OK &&
	    memcmp(key.x, want->x, sizeof(key.x)) == 0;
}

static bool
is_alpha(void *ctx, const struct pst_tam_device_row *row)
{
	*(bool *)ctx = strcmp(row->name, "alpha") == 0 &&
	    row->enrolled_s == 77 && row->status == PST_TAM_ACTIVE;
	return true;
}

/* A database of version 1 with a device in it comes up to date, and the
 * device is still there. */
static void
an_older_schema_is_migrated(void)
{
	bool found = false;

	BEGIN();
	stop_store();
	CHECK_EQ(unlink(w.db), 0);
	CHECK(sql(w.db,
	    "CREATE TABLE schema_version (version INTEGER PRIMARY KEY,"
	    " applied_s INTEGER NOT NULL) STRICT;"
	    "INSERT INTO schema_version VALUES (1, 0);"
	    "PRAGMA application_id = 1347638356"));
	CHECK(sql(w.db, pst_tam_schema[0]));
	CHECK(sql(w.db,
	    "INSERT INTO devices (name, status, attester, enrolled_s)"
	    " VALUES ('alpha', 1, x'01', 77)"));
	CHECK(world_restart(&w));
	CHECK_EQ(
	    pst_tam_find_device(w.reader, "alpha", is_alpha, &found), PST_OK);
	CHECK(found);
	/* who attests moved to a table of its own, bound to no technology */
	CHECK_EQ(attesters("alpha"), 1);
	CHECK(by_id(1, "", PST_BYTES_LIT("\x01")));
	stop_store();
	CHECK(sql(w.db, "SELECT ledger, renegotiated_s FROM devices"));
	CHECK(sql(w.db, "SELECT verdict, appraised_s FROM devices"));
	CHECK(sql(w.db, "SELECT content FROM endorsements"));
	CHECK(sql(w.db, "SELECT reasons FROM devices"));
	END();
}

/* --- files for the Verifier --------------------------------------------- */

struct files {
	size_t count;
	size_t bytes;
	char last[64];
};

static bool
count_file(void *ctx, const struct pst_tam_endorsement *row)
{
	struct files *f = ctx;

	f->count++;
	f->bytes += row->content.len;
	(void)snprintf(f->last, sizeof(f->last), "%s %s %zu",
	    pst_tam_endorsement_kind_name(row->kind), row->name, row->size);
	return true;
}

static enum pst_err
put_file(enum pst_tam_endorsement_kind kind, const char *name, const char *text)
{
	struct pst_tam_endorsement e = { .kind = kind,
		.name = name,
		.content = { (const uint8_t *)text, strlen(text) } };

	return pst_tam_endorsement_put(w.store, "test", &e, 5);
}

static int64_t
generation(void)
{
	int64_t n = 0;

	if (pst_tam_endorsement_generation(w.reader, &n) != PST_OK)
		return -1;
	return n;
}

static void
endorsements_are_rows_with_a_generation(void)
{
	struct files f = { 0 };
	int64_t before;

	BEGIN();
	before = generation();
	CHECK_EQ(put_file(PST_TAM_REFERENCE, "board", "{}"), PST_OK);
	CHECK(generation() > before);
	/* the same name of another kind is another file */
	CHECK_EQ(put_file(PST_TAM_CRL, "board", "none"), PST_OK);
	before = generation();
	/* a file replaces the one of its kind and name */
	CHECK_EQ(put_file(PST_TAM_REFERENCE, "board", "{ }"), PST_OK);
	CHECK(generation() > before);
	CHECK_EQ(
	    pst_tam_list_endorsements(w.reader, 0, 10, false, count_file, &f),
	    PST_OK);
	CHECK_EQ(f.count, 2);
	CHECK_EQ(f.bytes, 0);
	memset(&f, 0, sizeof(f));
	CHECK_EQ(pst_tam_find_endorsement(
		     w.reader, PST_TAM_REFERENCE, "board", count_file, &f),
	    PST_OK);
	CHECK_EQ(f.bytes, 3);
	CHECK(strcmp(f.last, "reference board 3") == 0);
	before = generation();
	CHECK_EQ(pst_tam_endorsement_remove(
		     w.store, "test", PST_TAM_REFERENCE, "board", 6),
	    PST_OK);
	CHECK(generation() > before);
	CHECK_EQ(pst_tam_endorsement_remove(
		     w.store, "test", PST_TAM_REFERENCE, "board", 6),
	    PST_ERR_NOT_FOUND);
	CHECK_EQ(pst_tam_find_endorsement(
		     w.reader, PST_TAM_REFERENCE, "board", count_file, &f),
	    PST_ERR_NOT_FOUND);
	CHECK_EQ(put_file(PST_TAM_REFERENCE, "board", ""), PST_ERR_ARG);
	CHECK_EQ(put_file(PST_TAM_REFERENCE, "a\nb", "{}"), PST_ERR_ARG);
	CHECK_EQ(
	    put_file(PST_TAM_ENDORSEMENT_KINDS, "board", "{}"), PST_ERR_ARG);
	END();
}

static void
endorsements_are_bounded(void)
{
	char name[16];
	int i;

	BEGIN();
	for (i = 0; i < PST_TAM_ENDORSEMENTS_MAX; i++) {
		(void)snprintf(name, sizeof(name), "f%d", i);
		CHECK_EQ(put_file(PST_TAM_CRL, name, "x"), PST_OK);
	}
	CHECK_EQ(put_file(PST_TAM_CRL, "more", "x"), PST_ERR_LIMIT);
	/* what is there may be replaced */
	CHECK_EQ(put_file(PST_TAM_CRL, "f7", "y"), PST_OK);
	END();
}

static void
a_newer_schema_is_refused(void)
{
	char note[PST_TAM_NOTE_MAX];

	BEGIN();
	stop_store();
	CHECK(sql(w.db, "INSERT INTO schema_version VALUES (999, 0)"));
	CHECK_EQ(pst_tam_store_open(w.db, &w.store, note), PST_ERR_UNSUPPORTED);
	CHECK(w.store == NULL);
	CHECK(strstr(note, "newer version") != NULL);
	END();
}

static void
another_programs_database_is_refused(void)
{
	char note[PST_TAM_NOTE_MAX];

	BEGIN();
	stop_store();
	CHECK_EQ(unlink(w.db), 0);
	CHECK(sql(w.db, "CREATE TABLE recipes (name TEXT)"));
	CHECK_EQ(
	    pst_tam_store_open(w.db, &w.store, note), PST_ERR_STORE_DAMAGED);
	CHECK(strstr(note, "another program") != NULL);
	CHECK(sql(w.db, "SELECT * FROM recipes"));
	END();
}

static void
overwrite(const char *path, off_t at, size_t len)
{
	static uint8_t junk[4096];
	int fd = open(path, O_RDWR);

	memset(junk, 0x5a, sizeof(junk));
	if (fd >= 0 && len <= sizeof(junk))
		(void)!pwrite(fd, junk, len, at);
	(void)close(fd);
}

static void
a_damaged_database_is_refused_clearly(void)
{
	static const struct {
		off_t at;
		size_t len;
	} rows[] = {
		{ 0, 100 },	/* the header */
		{ 100, 64 },	/* the schema's page */
		{ 4096, 4096 }, /* a page of a table */
	};
	char note[PST_TAM_NOTE_MAX];
	size_t i;

	for (i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
		BEGIN();
		CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
		stop_store();
		overwrite(w.db, rows[i].at, rows[i].len);
		CHECK_EQ(pst_tam_store_open(w.db, &w.store, note),
		    PST_ERR_STORE_DAMAGED);
		CHECK(w.store == NULL);
		CHECK(strstr(note, w.db) != NULL);
		END();
	}
}

static void
a_path_that_cannot_be_opened_says_why(void)
{
	struct pst_tam_store *s;
	char note[PST_TAM_NOTE_MAX];

	CHECK_EQ(
	    pst_tam_store_open("/nonexistent/tam.db", &s, note), PST_ERR_STORE);
	CHECK(strstr(note, strerror(ENOENT)) != NULL);
	CHECK_EQ(
	    pst_tam_store_open("/nonexistent/tam.db", &s, NULL), PST_ERR_STORE);
}

static void
every_statement_can_be_prepared(void)
{
	struct pst_tam_db db;
	int i;

	BEGIN();
	CHECK_EQ(pst_tam_db_open(&db, w.db, true), PST_OK);
	for (i = 0; i < SQL_COUNT; i++) {
		CHECK(pst_tam_sql_text[i] != NULL);
		CHECK(pst_tam_stmt(&db, (enum pst_tam_sql)i) != NULL);
	}
	pst_tam_db_close(&db);
	END();
}

/* --- the writer -------------------------------------------------------- */

static void
change(struct pst_tam_changes *ch, uint32_t number)
{
	memset(ch, 0, sizeof(*ch));
	ch->what = PST_TAM_SPEND;
	ch->device = 1;
	ch->now_s = w.now_s;
	memcpy(ch->challenge, &number, sizeof(number));
	ch->challenge_expires_s = w.now_s + 600;
}

static void
a_list_is_applied_whole_or_not_at_all(void)
{
	struct pst_tam_changes ch;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	change(&ch, 1);
	ch.device = 99; /* fails after the challenge was inserted */
	CHECK_EQ(pst_tam_store_apply(w.store, &ch), PST_ERR_NOT_FOUND);
	CHECK_EQ(counts().spent, 0);
	ch.device = 1;
	CHECK_EQ(pst_tam_store_apply(w.store, &ch), PST_OK);
	CHECK_EQ(pst_tam_store_apply(w.store, &ch), PST_ERR_TEEP_TOKEN);
	CHECK_EQ(counts().spent, 1);
	END();
}

struct tally {
	pthread_mutex_t lock;
	pthread_cond_t over;
	size_t ok, refused, other;
};

static void
count_done(void *ctx, enum pst_err err)
{
	struct tally *t = ctx;

	(void)pthread_mutex_lock(&t->lock);
	if (err == PST_OK)
		t->ok++;
	else if (err == PST_ERR_TEEP_TOKEN)
		t->refused++;
	else
		t->other++;
	(void)pthread_cond_signal(&t->over);
	(void)pthread_mutex_unlock(&t->lock);
}

static void
wait_for(struct tally *t, size_t n)
{
	(void)pthread_mutex_lock(&t->lock);
	while (t->ok + t->refused + t->other < n)
		(void)pthread_cond_wait(&t->over, &t->lock);
	(void)pthread_mutex_unlock(&t->lock);
}

#define TALLY() \
	{ \
		PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER, 0, 0, 0 \
	}

/* One refusal in a batch does not touch its neighbours. */
static void
a_crowd_shares_batches_and_each_hears_its_own_outcome(void)
{
	struct tally t = TALLY();
	struct pst_tam_changes ch;
	uint32_t i;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	for (i = 0; i < 2000; i++) {
		change(&ch, i / 2);
		CHECK_EQ(
		    pst_tam_store_submit(w.store, &ch, count_done, &t), PST_OK);
	}
	wait_for(&t, 2000);
	CHECK_EQ(t.ok, 1000);
	CHECK_EQ(t.refused, 1000);
	CHECK_EQ(t.other, 0);
	CHECK_EQ(counts().spent, 1000);
	END();
}

/* Holds the writer until it is told to go on. */
struct gate {
	pthread_mutex_t lock;
	pthread_cond_t turn;
	bool entered, open;
};

static void
hold(void *ctx, enum pst_err err)
{
	struct gate *g = ctx;

	(void)err;
	(void)pthread_mutex_lock(&g->lock);
	g->entered = true;
	(void)pthread_cond_broadcast(&g->turn);
	while (!g->open)
		(void)pthread_cond_wait(&g->turn, &g->lock);
	(void)pthread_mutex_unlock(&g->lock);
}

static void
a_full_queue_is_busy(void)
{
	struct gate g = { PTHREAD_MUTEX_INITIALIZER, PTHREAD_COND_INITIALIZER,
		false, false };
	struct tally t = TALLY();
	struct pst_tam_changes ch;
	uint32_t i;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	change(&ch, 0);
	CHECK_EQ(pst_tam_store_submit(w.store, &ch, hold, &g), PST_OK);
	(void)pthread_mutex_lock(&g.lock);
	while (!g.entered)
		(void)pthread_cond_wait(&g.turn, &g.lock);
	(void)pthread_mutex_unlock(&g.lock);
	for (i = 1; i <= PST_TAM_QUEUE_MAX; i++) {
		change(&ch, i);
		CHECK_EQ(
		    pst_tam_store_submit(w.store, &ch, count_done, &t), PST_OK);
	}
	change(&ch, i);
	CHECK_EQ(
	    pst_tam_store_submit(w.store, &ch, count_done, &t), PST_ERR_BUSY);
	(void)pthread_mutex_lock(&g.lock);
	g.open = true;
	(void)pthread_cond_broadcast(&g.turn);
	(void)pthread_mutex_unlock(&g.lock);
	wait_for(&t, PST_TAM_QUEUE_MAX);
	CHECK_EQ(t.ok, PST_TAM_QUEUE_MAX);
	END();
}

static void
closing_commits_what_is_queued(void)
{
	struct tally t = TALLY();
	struct pst_tam_changes ch;
	uint32_t i;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	for (i = 0; i < 500; i++) {
		change(&ch, i);
		CHECK_EQ(
		    pst_tam_store_submit(w.store, &ch, count_done, &t), PST_OK);
	}
	CHECK(world_restart(&w));
	CHECK_EQ(t.ok, 500);
	CHECK_EQ(counts().spent, 500);
	END();
}

static void
expired_rows_are_purged(void)
{
	struct pst_tam_changes ch;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	CHECK(world_publish(&w, "x", 1, 0x11, 100));
	CHECK(world_assign(&w, "x", false));
	CHECK(world_session(&w, &a));
	change(&ch, 1);
	CHECK_EQ(pst_tam_store_apply(w.store, &ch), PST_OK);
	CHECK_EQ(counts().spent, 2);
	w.now_s += 24 * 3600;
	change(&ch, 2);
	CHECK_EQ(pst_tam_store_apply(w.store, &ch), PST_OK);
	CHECK_EQ(counts().spent, 1);
	stop_store();
	CHECK(sql(w.db,
	    "CREATE TEMP TABLE t (n INTEGER CHECK (n = 0));"
	    "INSERT INTO t SELECT count(*) FROM devices"
	    " WHERE token IS NOT NULL OR pending IS NOT NULL"));
	END();
}

static void
reports_do_not_grow_without_end(void)
{
	uint8_t token[PST_TAM_TOKEN_LEN];
	struct pst_bytes t = { token, sizeof(token) };
	int i;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	CHECK(world_publish(&w, "x", 1, 0x11, 100));
	CHECK(world_assign(&w, "x", false));
	for (i = 0; i < PST_TAM_REPORTS_KEPT + 20; i++) {
		CHECK(world_session(&w, &a));
		CHECK_EQ(w.msg.token.len, sizeof(token));
		memcpy(token, w.msg.token.ptr, sizeof(token));
		CHECK(world_deliver(&w,
		    agent_answer(
			&w, &a, t, PST_TEEP_ERR_TEMPORARY_ERROR, none, none)));
		w.now_s++;
	}
	CHECK_EQ(counts().reports, PST_TAM_REPORTS_KEPT);
	END();
}

static void
old_envelopes_do_not_grow_without_end(void)
{
	uint8_t i;

	BEGIN();
	for (i = 1; i <= PST_TAM_ENVELOPES_KEPT + 4; i++)
		CHECK(world_publish(&w, "x", i, i, 5000));
	CHECK(world_publish(&w, "y", 1, 0x99, 5000));
	CHECK_EQ(counts().manifests, PST_TAM_ENVELOPES_KEPT + 5);
	stop_store();
	CHECK(sql(w.db,
	    "CREATE TEMP TABLE t (n INTEGER CHECK (n = 4));"
	    "INSERT INTO t SELECT count(*) FROM manifests"
	    " WHERE length(envelope) = 5000;"
	    "INSERT INTO t SELECT 4 + count(*) FROM manifests"
	    " WHERE length(envelope) NOT IN (0, 5000) OR"
	    " (sequence >= 5 AND length(envelope) = 0)"));
	END();
}

/* --- a crash ----------------------------------------------------------- */

/* The child writes lists of three rows and tells of each that is durable. */
static void
write_until_killed(int fd)
{
	struct pst_tam_changes ch;
	uint32_t i;

	/* a forked child has no writer thread of its parent's: its own store */
	if (!world_restart(&w))
		_exit(1);
	for (i = 0;; i++) {
		change(&ch, i);
		ch.what |= PST_TAM_UPDATE | PST_TAM_LEDGER;
		memcpy(ch.token, &i, sizeof(i));
		ch.token_expires_s = w.now_s + 600;
		ch.pending = (struct pst_bytes){ ch.token, sizeof(i) };
		ch.ledger = (struct pst_bytes){ ch.token, sizeof(i) };
		if (pst_tam_store_apply(w.store, &ch) != PST_OK ||
		    write(fd, &i, sizeof(i)) != sizeof(i))
			_exit(1);
	}
}

/* Killed at any moment: what was told to be durable is there, and the rows
 * of one list belong together. */
static void
a_killed_process_leaves_whole_lists(void)
{
	char text[512];
	uint32_t last, i;
	int round, fd[2];
	pid_t child;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	for (round = 0; round < 8; round++) {
		stop_store();
		CHECK(sql(w.db, "DELETE FROM spent"));
		CHECK_EQ(pipe(fd), 0);
		child = fork();
		if (child == 0)
			write_until_killed(fd[1]);
		CHECK(child > 0);
		(void)close(fd[1]);
		last = UINT32_MAX;
		for (i = 0; i < 20 + 13 * (uint32_t)round; i++)
			CHECK_EQ(
			    read(fd[0], &last, sizeof(last)), sizeof(last));
		CHECK_EQ(kill(child, SIGKILL), 0);
		while (read(fd[0], &i, sizeof(i)) == sizeof(i))
			last = i;
		(void)close(fd[0]);
		CHECK_EQ(waitpid(child, NULL, 0), child);
		CHECK(world_restart(&w));
		CHECK(counts().spent >= last + 1);
		CHECK(counts().spent <= last + 2);
		/* token, pending and ledger are those of the last challenge */
		(void)snprintf(text, sizeof(text),
		    "CREATE TEMP TABLE t (n INTEGER CHECK (n = 1));"
		    "INSERT INTO t SELECT count(*) FROM devices d WHERE"
		    " substr(d.token, 1, 4) = d.pending AND"
		    " d.pending = d.ledger AND EXISTS (SELECT 1 FROM spent"
		    " WHERE substr(challenge, 1, 4) = d.ledger) AND"
		    " %u = (SELECT count(*) FROM spent)",
		    (unsigned)counts().spent);
		stop_store();
		CHECK(sql(w.db, text));
		CHECK(world_restart(&w));
	}
	END();
}

/* --- operators --------------------------------------------------------- */

static void
names_are_checked(void)
{
	static const char *const bad[] = { "a\nb", "\x7f", "\xff\xfe",
		"0123456789012345678901234567890123456789012345678901234567890"
		"0123456789012345678901234567890123456789012345678901234567890"
		"01234567890" };
	size_t i;

	BEGIN();
	for (i = 0; i < sizeof(bad) / sizeof(bad[0]); i++)
		CHECK_EQ(
		    pst_tam_group_add(w.store, "test", bad[i], 1), PST_ERR_ARG);
	CHECK_EQ(pst_tam_group_add(w.store, "test", "", 1), PST_ERR_ARG);
	CHECK_EQ(pst_tam_group_add(w.store, "test", "K\xc3\xb6ln", 1), PST_OK);
	END();
}

static enum pst_err
enroll(const char *name, const struct pst_pubkey *key, int64_t *id)
{
	struct pst_tam_attester by = {
		.technology = "", .has_key = true, .key = *key
	};

	return pst_tam_device_enroll(
	    w.store, w.crypto, "test", name, &by, 5, id);
}

static void
enrolling_is_idempotent_and_refuses_clashes(void)
{
	int64_t id;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	CHECK_EQ(enroll("alpha", &a.attester_pub, &id), PST_OK);
	CHECK_EQ(id, 1);
	CHECK_EQ(enroll("beta", &a.attester_pub, &id), PST_ERR_STATE);
	CHECK_EQ(enroll("alpha", &a.pub, &id), PST_ERR_STATE);
	CHECK_EQ(enroll(NULL, &a.pub, &id), PST_OK);
	CHECK_EQ(counts().devices, 2);
	END();
}

static void
an_enrolment_without_technology_is_narrowed_once(void)
{
	struct pst_tam_attester by = { .technology = "tpm", .has_key = true };
	struct pst_bytes print = { a.attester.kid, 32 };
	int64_t id;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	CHECK(by_id(1, "", print));
	by.key = a.attester_pub;
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "alpha", &by, 5, &id),
	    PST_OK);
	CHECK(by_id(1, "tpm", print));
	by.technology = "eat";
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "alpha", &by, 5, &id),
	    PST_ERR_STATE);
	CHECK(by_id(1, "tpm", print));
	END();
}

static void
a_key_is_replaced_without_losing_the_device(void)
{
	struct pst_tam_attester by = { .technology = "eat", .has_key = true };
	struct pst_bytes old = { a.attester.kid, 32 };
	struct pst_bytes new = { b.attester.kid, 32 };

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	CHECK(agent_new(&w, &b, PST_ALG_ESP256));
	by.key = b.attester_pub;
	CHECK_EQ(pst_tam_attester_remove(w.store, "test", "alpha", old, 6),
	    PST_ERR_STATE);
	CHECK_EQ(
	    pst_tam_attester_add(w.store, w.crypto, "test", "beta", &by, 6),
	    PST_ERR_NOT_FOUND);
	CHECK_EQ(
	    pst_tam_attester_add(w.store, w.crypto, "test", "alpha", &by, 6),
	    PST_OK);
	CHECK_EQ(
	    pst_tam_attester_add(w.store, w.crypto, "test", "alpha", &by, 7),
	    PST_OK);
	CHECK_EQ(attesters("alpha"), 2);
	CHECK(by_id(1, "", old) && by_id(1, "eat", new));
	CHECK_EQ(
	    pst_tam_attester_remove(w.store, "test", "alpha", old, 8), PST_OK);
	CHECK_EQ(pst_tam_attester_remove(w.store, "test", "alpha", old, 8),
	    PST_ERR_NOT_FOUND);
	CHECK_EQ(attesters("alpha"), 1);
	CHECK(!by_id(1, "", old) && by_id(1, "eat", new));
	/* the key that is free again may be another device's */
	by.key = a.attester_pub;
	CHECK_EQ(counts().devices, 1);
	CHECK_EQ(
	    pst_tam_attester_add(w.store, w.crypto, "test", "alpha", &by, 9),
	    PST_OK);
	CHECK_EQ(pst_tam_device_remove(w.store, "test", "alpha", 9), PST_OK);
	CHECK(!by_id(1, "eat", old) && !by_id(1, "eat", new));
	END();
}

static void
an_attester_speaks_for_one_device(void)
{
	struct pst_tam_attester by = { .technology = "snp",
		.identity = PST_BYTES_LIT("the chip") };
	int64_t id;

	BEGIN();
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "alpha", &by, 5, &id),
	    PST_OK);
	CHECK(by_id(id, "snp", by.identity));
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "beta"));
	CHECK_EQ(
	    pst_tam_attester_add(w.store, w.crypto, "test", "beta", &by, 6),
	    PST_ERR_STATE);
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "gamma", &by, 5, &id),
	    PST_ERR_STATE);
	/* a key beside it, and then another one */
	by.has_key = true;
	by.key = a.attester_pub;
	CHECK_EQ(
	    pst_tam_attester_add(w.store, w.crypto, "test", "alpha", &by, 6),
	    PST_OK);
	CHECK(keyed_by(by.identity, &a.attester_pub));
	by.key = a.pub;
	CHECK_EQ(
	    pst_tam_attester_add(w.store, w.crypto, "test", "alpha", &by, 6),
	    PST_OK);
	CHECK(keyed_by(by.identity, &a.pub));
	CHECK_EQ(attesters("alpha"), 1);
	by.has_key = false;
	/* an identity is of a technology, and has a length */
	by.technology = "";
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "gamma", &by, 5, &id),
	    PST_ERR_ARG);
	by.technology = "SNP";
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "gamma", &by, 5, &id),
	    PST_ERR_ARG);
	by.technology = "snp";
	by.identity.len = 0;
	CHECK_EQ(pst_tam_device_enroll(
		     w.store, w.crypto, "test", "gamma", &by, 5, &id),
	    PST_ERR_ARG);
	END();
}

/* pitfalls.md, Servers: every device shares one published demo key. */
static void
a_published_key_is_not_enrolled(void)
{
	static const char demo[] =
	    "-----BEGIN PUBLIC KEY-----\n"
	    "MFkwEwYHKoZIzj0CAQYIKoZIzj0DAQcDQgAEhJaBGq4LqqvSYVcYnuzaJr6qi/Eb\n"
	    "bz/m4rVlnIXbwK07HypLbAmBMcCjbazR14vTgdzfsJwFLbM5kdtzOLSolg==\n"
	    "-----END PUBLIC KEY-----\n";
	struct pst_tam_anchor anchor = { .kind = PST_TAM_VERIFIER,
		.name = "v" };
	struct pst_key key;
	int64_t id;

	BEGIN();
	CHECK_EQ(pst_key_parse(PST_BYTES_LIT(demo), &key, NULL), PST_OK);
	CHECK_EQ(enroll("demo", &key.pub, &id), PST_ERR_COSE_KEY);
	anchor.key = key.pub;
	CHECK_EQ(
	    pst_tam_anchor_add(w.store, "test", &anchor, 5), PST_ERR_COSE_KEY);
	END();
}

static void
removing_a_device_removes_all_that_hangs_on_it(void)
{
	struct pst_tam_counts c;

	BEGIN();
	CHECK(agent_enroll(&w, &a, PST_ALG_ESP256, "alpha"));
	agent_has(&a, component("p"), none);
	CHECK(world_session(&w, &a));
	CHECK_EQ(counts().inventory, 1);
	CHECK_EQ(pst_tam_device_remove(w.store, "test", "alpha", 5), PST_OK);
	c = counts();
	CHECK_EQ(c.devices, 0);
	CHECK_EQ(c.inventory, 0);
	CHECK_EQ(pst_tam_device_remove(w.store, "test", "alpha", 5),
	    PST_ERR_NOT_FOUND);
	END();
}

static bool
count_assignments(void *ctx, const struct pst_tam_assignment_row *row)
{
	size_t *n = ctx;

	n[0]++;
	n[1] += row->terms == PST_TAM_ON_REQUEST;
	n[2] += row->published;
	return true;
}

static void
assignments_are_unique_and_need_their_target(void)
{
	size_t n[3] = { 0, 0, 0 };
	struct pst_bytes x = component("x");

	BEGIN();
	CHECK_EQ(pst_tam_assign(
		     w.store, "test", x, PST_TAM_GROUP, "nobody", false, 5),
	    PST_ERR_NOT_FOUND);
	CHECK_EQ(
	    pst_tam_assign(w.store, "test", none, PST_TAM_ALL, NULL, false, 5),
	    PST_ERR_ARG);
	CHECK_EQ(
	    pst_tam_assign(w.store, "test", x, PST_TAM_ALL, NULL, false, 5),
	    PST_OK);
	CHECK_EQ(pst_tam_assign(w.store, "test", x, PST_TAM_ALL, NULL, true, 5),
	    PST_OK);
	CHECK_EQ(
	    pst_tam_list_assignments(w.reader, 0, 10, count_assignments, n),
	    PST_OK);
	CHECK_EQ(n[0], 1);
	CHECK_EQ(n[1], 1);
	CHECK_EQ(n[2], 0);
	CHECK_EQ(
	    pst_tam_unassign(w.store, "test", x, PST_TAM_ALL, NULL, 5), PST_OK);
	CHECK_EQ(pst_tam_unassign(w.store, "test", x, PST_TAM_ALL, NULL, 5),
	    PST_ERR_NOT_FOUND);
	END();
}

static bool
last_audit(void *ctx, const struct pst_tam_audit_row *row)
{
	(void)snprintf(ctx, 128, "%s %s %s", row->who, row->what, row->detail);
	return true;
}

static void
every_operation_leaves_an_audit_row(void)
{
	char text[128] = "";
	uint64_t before;

	BEGIN();
	before = counts().audit;
	CHECK_EQ(pst_tam_group_add(w.store, "mallory", "lab", 5), PST_OK);
	CHECK_EQ(counts().audit, before + 1);
	CHECK_EQ(
	    pst_tam_list_audit(w.reader, 0, 100, last_audit, text), PST_OK);
	CHECK_EQ(strcmp(text, "mallory add group lab"), 0);
	/* what was refused did not happen, and left nothing */
	CHECK_EQ(pst_tam_group_remove(w.store, "mallory", "no", 5),
	    PST_ERR_NOT_FOUND);
	CHECK_EQ(counts().audit, before + 1);
	END();
}

static void
a_signer_needs_a_prefix_and_keeps_its_key(void)
{
	struct pst_tam_anchor anchor = { .kind = PST_TAM_SIGNER,
		.name = "dev" };
	struct pst_bytes x = component("x");

	BEGIN();
	CHECK(agent_new(&w, &a, PST_ALG_ESP256));
	anchor.key = a.pub;
	CHECK_EQ(pst_tam_anchor_add(w.store, "test", &anchor, 5), PST_ERR_ARG);
	anchor.prefixes = (struct pst_list){ x, 1 };
	CHECK_EQ(pst_tam_anchor_add(w.store, "test", &anchor, 5), PST_OK);
	CHECK_EQ(pst_tam_anchor_add(w.store, "test", &anchor, 5), PST_OK);
	anchor.key = a.attester_pub;
	CHECK_EQ(
	    pst_tam_anchor_add(w.store, "test", &anchor, 5), PST_ERR_STATE);
	CHECK_EQ(
	    pst_tam_anchor_remove(w.store, "test", PST_TAM_SIGNER, "dev", 5),
	    PST_OK);
	CHECK_EQ(pst_tam_anchor_add(w.store, "test", &anchor, 5), PST_OK);
	END();
}

int
main(void)
{
	RUN(the_database_is_its_owners_only);
	RUN(an_older_schema_is_migrated);
	RUN(endorsements_are_rows_with_a_generation);
	RUN(endorsements_are_bounded);
	RUN(a_newer_schema_is_refused);
	RUN(another_programs_database_is_refused);
	RUN(a_damaged_database_is_refused_clearly);
	RUN(a_path_that_cannot_be_opened_says_why);
	RUN(every_statement_can_be_prepared);
	RUN(a_list_is_applied_whole_or_not_at_all);
	RUN(a_crowd_shares_batches_and_each_hears_its_own_outcome);
	RUN(a_full_queue_is_busy);
	RUN(closing_commits_what_is_queued);
	RUN(expired_rows_are_purged);
	RUN(reports_do_not_grow_without_end);
	RUN(old_envelopes_do_not_grow_without_end);
	RUN(a_killed_process_leaves_whole_lists);
	RUN(names_are_checked);
	RUN(enrolling_is_idempotent_and_refuses_clashes);
	RUN(an_enrolment_without_technology_is_narrowed_once);
	RUN(a_key_is_replaced_without_losing_the_device);
	RUN(an_attester_speaks_for_one_device);
	RUN(a_published_key_is_not_enrolled);
	RUN(removing_a_device_removes_all_that_hangs_on_it);
	RUN(assignments_are_unique_and_need_their_target);
	RUN(every_operation_leaves_an_audit_row);
	RUN(a_signer_needs_a_prefix_and_keeps_its_key);
	TEST_END();
}
