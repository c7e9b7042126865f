/*
 * Trees of manifests. The input is a program, from which up to three valid,
 * signed manifests around any commands are made (fuzz/tree), with payloads
 * that are encrypted or not; they are run on a device that keeps its own
 * account. What must hold: an error, or a state where each component that was
 * written has what some manifest demanded for this very component, or for one
 * that it was copied from. How payloads are cut, and where a run is
 * interrupted and begun again, changes nothing; and after an error nothing
 * more is done.
 *
 * fuzz_interpreter.c has one manifest more freely written, or a raw envelope.
 */
#include <string.h>

#include "tree/tree.h"

enum { RESTARTS = 60 };

/* How payloads come. */
struct way {
	size_t chunk; /* bytes at a time; 0: all */
	bool restart; /* at every other suspension */
};

static struct program program;
static struct world world;
static int restarts;

static enum pst_err
begin(const struct pst_suit_manifest *m)
{
	/* What a caller's memory holds before must not matter. */
	memset(&world.run, 0xa5, sizeof(world.run));
	pst_suit_report_init(
	    &world.report, world.records, sizeof(world.records));
	return world_begin(&world, &world.run, m, &port);
}

static enum pst_err
deliver(struct device *d, const struct way *way)
{
	struct pst_suit_run *run = &world.run;
	struct pst_bytes all = program_serve(&program, run->fetch_uri);
	struct pst_bytes chunk = { NULL, 0 };

	if (run->event != 0)
		return pst_suit_resume(run,
		    world.waits++ < WORLD_WAITS ? PST_OK : PST_ERR_BUSY, chunk,
		    false);
	if (all.ptr == NULL)
		return pst_suit_resume(run, PST_ERR_FETCH, chunk, true);
	device_fetching(d, run->fetch_uri);
	MUST(run->fetch_at <= all.len);
	chunk.ptr = all.ptr + run->fetch_at;
	chunk.len = all.len - (size_t)run->fetch_at;
	if (way->chunk != 0 && chunk.len > way->chunk)
		chunk.len = way->chunk;
	return pst_suit_resume(
	    run, PST_OK, chunk, chunk.ptr + chunk.len == all.ptr + all.len);
}

static enum pst_err
sections(struct device *d, const struct pst_suit_manifest *m,
    const struct way *way, size_t *at)
{
	static const uint8_t order[] = { 15, 16, 18, 20, 7, 8, 9, 24 };
	size_t count = program.header[5] & 1 ? 8
	    : program.header[5] & 2	     ? 7
					     : 5;
	enum pst_err err = begin(m);

	for (*at = 0; err == PST_OK && *at < count; ++*at) {
		err = pst_suit_run(&world.run, (enum pst_suit_label)order[*at]);
		while (err == PST_ERR_AGAIN) {
			err = deliver(d, way);
			if (err == PST_ERR_AGAIN && way->restart &&
			    world.suspensions++ % 2 == 0 && restarts < RESTARTS)
				return err;
		}
	}
	return err == PST_OK ? pst_suit_run_end(&world.run) : err;
}

/* Who has failed does nothing more. */
static void
stays_failed(struct device *d, enum pst_err err)
{
	struct pst_bytes none = { NULL, 0 };
	size_t calls = d->calls;

	MUST(world.report.err == err);
	MUST(world.report.reason != PST_SUIT_REASON_OK);
	MUST(pst_suit_run(&world.run, PST_SUIT_INSTALL) == err);
	MUST(pst_suit_resume(&world.run, PST_OK, none, true) == err);
	MUST(pst_suit_run_end(&world.run) == err);
	MUST(d->calls == calls);
	MUST(port_held() == 0);
}

/* What the run reports can be read by whoever receives it. */
static void
report_is_readable(const struct pst_suit_manifest *m)
{
	static uint8_t out[8192];
	struct pst_suit_report_view view;
	struct pst_cbor_writer w;
	struct pst_bytes none = { NULL, 0 };
	struct pst_verified in;

	pst_cbor_writer_init(&w, out, sizeof(out));
	MUST(pst_suit_report_encode(
		 &w, &world.report, none, &m->digest, none) == PST_OK);
	in = pst_verified_by_caller(pst_cbor_written(&w));
	MUST(pst_suit_report_decode(&in, &view, NULL) == PST_OK);
	MUST(view.success == (world.report.err == PST_OK));
	MUST(view.records.count <= world.report.count);
}

static void
prepare(struct device *d, const struct way *way)
{
	const uint8_t *h = program.header;
	static const uint8_t uuid[16] = { "vvvvvvvvvvvvvvvv" };

	world_init(&world);
	world.read_max = way->chunk;
	world.keys = &port_keys;
	world.vendor = world.class_id = (struct pst_bytes){ uuid, 16 };
	world.events_after = h[13] % 4;
	world.priority_max = 100;
	world.battery_mwh = 100;
	if (h[13] & 0x40)
		world_custom(&world);
	if (h[14] > 240)
		world.refuse = h[15];
	restarts = 0;
	device_init(d, &world, &program);
}

static enum pst_err
run(struct device *d, const struct pst_suit_manifest *m, const struct way *way)
{
	enum pst_err err;
	size_t at;

	prepare(d, way);
	for (;;) {
		port_reset();
		err = sections(d, m, way, &at);
		if (err != PST_ERR_AGAIN)
			break;
		pst_suit_run_abandon(&world.run);
		device_restart(d);
		restarts++;
	}
	if (err == PST_OK)
		MUST(d->open < 0 && device_holds(d));
	else
		stays_failed(d, err);
	report_is_readable(m);
	pst_suit_run_abandon(&world.run);
	MUST(port_held() == 0);
	world_free(&world);
	return err;
}

static void
judge(const struct pst_suit_manifest *m)
{
	static const struct way whole = { 0, false }, bytes = { 1, false },
				again = { 48, true };
	static struct device a, b;
	enum pst_err err = run(&a, m, &whole);

	MUST(run(&b, m, &bytes) == err || a.full || b.full);
	if (a.full || b.full)
		return;
	if (err == PST_OK)
		MUST(device_same(&a, &b) && device_same(&b, &a));
	if (run(&b, m, &again) != err || err != PST_OK) {
		MUST(err != PST_OK || restarts == RESTARTS || b.full);
		return;
	}
	if (restarts < RESTARTS && !b.full)
		MUST(device_same(&a, &b) && device_same(&b, &a));
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct pst_suit_envelope env;
	struct pst_suit_manifest m;

	port_reset();
	if (!program_make(&program, (struct pst_bytes){ data, size }))
		return 0;
	MUST(pst_suit_envelope_decode(program.made[0], &env, NULL) == PST_OK);
	MUST(
	    pst_suit_authenticate(&env, &port, &port_keys, &m, NULL) == PST_OK);
	judge(&m);
	return 0;
}

#ifdef POSTERN_FUZZ
size_t LLVMFuzzerMutate(uint8_t *data, size_t size, size_t max);
size_t LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t max, unsigned int seed);

/* Genes are copied, moved and dropped whole; else bytes change as ever. */
size_t
LLVMFuzzerCustomMutator(
    uint8_t *data, size_t size, size_t max, unsigned int seed)
{
	size_t genes = size / GENE;
	size_t from, to;

	if (genes < 4 || seed % 4 == 0)
		return LLVMFuzzerMutate(data, size, max);
	from = 2 + seed / 16 % (genes - 2);
	to = 2 + seed / 4096 % (genes - 2);
	switch (seed / 4 % 4) {
	case 0: /* one more, like another */
		if (size + GENE > max)
			break;
		memmove(
		    data + (to + 1) * GENE, data + to * GENE, size - to * GENE);
		memcpy(data + to * GENE, data + (from + (from >= to)) * GENE,
		    GENE);
		return size + GENE;
	case 1: /* one less */
		memmove(data + to * GENE, data + (to + 1) * GENE,
		    size - (to + 1) * GENE);
		return size - GENE;
	case 2: /* one instead of another */
		memcpy(data + to * GENE, data + from * GENE, GENE);
		return size;
	default: /* one that is changed */
		(void)LLVMFuzzerMutate(data + to * GENE, GENE, GENE);
		return size;
	}
	return LLVMFuzzerMutate(data, size, max);
}
#endif
