/*
 * What a run puts into its report as it goes: records and
 * system-property-claims, as each command's reporting policy asks
 * (draft-ietf-suit-manifest, Section 8.4.7; draft-ietf-suit-report, Section 3).
 *
 * A record says where a command stands; what is measured goes into it only
 * when it is another value than the manifest's: when the command failed, or,
 * for image-not-match, succeeded.
 */
#include "suit_run.h"

/* Labels of the reporting policy, Section 8.4.7. */
enum {
	RECORD_SUCCESS = 1,
	RECORD_FAILURE = 2,
	INFO_SUCCESS = 4,
	INFO_FAILURE = 8
};

/* Time, battery or version as the device has it: what a condition of update
 * management compared its parameter with. */
struct fact {
	int32_t label; /* of the parameter that says it; 0: there is none */
	uint64_t number;
	struct pst_bytes version;
};

static struct fact
measure(const struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	const struct pst_suit_host *host = run->host;
	struct fact f = { 0, 0, { NULL, 0 } };
	enum pst_err err = PST_ERR_UNSUPPORTED;

	if (!pst_suit_host_does(host, c->id))
		return f;
	if (c->id == PST_SUIT_COND_USE_BEFORE) {
		f.label = PST_SUIT_PARAM_USE_BEFORE;
		err = host->now(host->ctx, &f.number);
	} else if (c->id == PST_SUIT_COND_MINIMUM_BATTERY) {
		f.label = PST_SUIT_PARAM_MINIMUM_BATTERY;
		err = host->battery(host->ctx, &f.number);
	} else if (c->id == PST_SUIT_COND_VERSION) {
		f.label = PST_SUIT_PARAM_VERSION;
		err = host->version(host->ctx, c->name, &f.version);
		if (err == PST_OK && !pst_suit_version_valid(f.version))
			err = PST_ERR_SUIT_OPERATION;
	}
	if (err != PST_OK)
		f.label = 0;
	return f;
}

static bool
asks_the_device(int32_t id)
{
	return PST_SUIT_WITH_UPDATE_MANAGEMENT &&
	    (id == PST_SUIT_COND_USE_BEFORE ||
		id == PST_SUIT_COND_MINIMUM_BATTERY ||
		id == PST_SUIT_COND_VERSION);
}

/* A version is bstr .cbor [equal, [+int]], as its parameter is. */
static void
put_fact(struct pst_cbor_writer *w, const struct fact *f)
{
	size_t mark;

	if (f->label != PST_SUIT_PARAM_VERSION) {
		pst_cbor_put_uint(w, f->number);
		return;
	}
	mark = pst_cbor_wrap_begin(w);
	pst_cbor_put_array(w, 2);
	pst_cbor_put_uint(w, PST_SUIT_VERSION_EQUAL);
	pst_cbor_put_raw(w, f->version);
	pst_cbor_wrap_bstr(w, mark);
}

/* The parameter that tells what a command found: label, or 0 for none. */
static int32_t
finding(const struct pst_suit_run *run, const struct pst_suit_command_now *c,
    bool success)
{
	if (asks_the_device(c->id))
		return measure(run, c).label;
	switch (c->id) {
	case PST_SUIT_COND_IMAGE_MATCH:
	case PST_SUIT_COND_IMAGE_NOT_MATCH:
		return run->measured_alg != 0 &&
			run->measured_component == c->component
		    ? PST_SUIT_PARAM_IMAGE_DIGEST
		    : 0;
	case PST_SUIT_COND_VENDOR:
	case PST_SUIT_COND_CLASS:
		return success ? c->id : 0;
	case PST_SUIT_COND_DEVICE:
		return success ? PST_SUIT_PARAM_DEVICE : 0;
	case PST_SUIT_COND_COMPONENT_SLOT:
		return success ? PST_SUIT_PARAM_COMPONENT_SLOT : 0;
	case PST_SUIT_DIR_FETCH:
	case PST_SUIT_DIR_WRITE:
	case PST_SUIT_DIR_COPY:
		return success ? PST_SUIT_PARAM_IMAGE_SIZE : 0;
	default:
		return 0;
	}
}

/* bstr .cbor SUIT_Digest of what was measured. */
static void
put_measured(struct pst_cbor_writer *w, const struct pst_suit_run *run)
{
	struct pst_suit_digest d;
	size_t mark = pst_cbor_wrap_begin(w);

	d.alg = run->measured_alg;
	d.bytes.ptr = run->measured;
	d.bytes.len = run->measured_len;
	pst_suit_digest_put(w, &d);
	pst_cbor_wrap_bstr(w, mark);
}

/* One parameter with its actual value. */
static void
put_finding(struct pst_cbor_writer *w, const struct pst_suit_run *run,
    const struct pst_suit_command_now *c, int32_t label)
{
	struct pst_cbor_reader r;
	struct fact f;

	pst_cbor_put_int(w, label);
	if (asks_the_device(c->id)) {
		f = measure(run, c);
		if (f.label == label)
			put_fact(w, &f);
		else
			w->err = PST_ERR_SPACE;
	} else if (label == PST_SUIT_PARAM_IMAGE_DIGEST)
		put_measured(w, run);
	else if (label == PST_SUIT_PARAM_IMAGE_SIZE)
		pst_cbor_put_uint(w, run->put_bytes);
	else if (pst_suit_param(
		     run, c->component, (enum pst_suit_parameter)label, &r))
		pst_cbor_put_raw(w, pst_cbor_item(&r));
	else
		w->err = PST_ERR_SPACE;
}

static void
put_record(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    int32_t label)
{
	struct pst_cbor_writer *w = &run->report->records;
	size_t mark = w->len;

	pst_suit_record_put(w, &run->report->record, label != 0);
	if (label != 0)
		put_finding(w, run, c, label);
	pst_suit_report_keep(run->report, mark);
}

/* system-property-claims need at least one parameter. */
static void
put_claims(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    int32_t label)
{
	struct pst_cbor_writer *w = &run->report->records;
	size_t mark = w->len;

	if (label == 0)
		return;
	pst_cbor_put_map(w, 2);
	pst_cbor_put_uint(w, 0);
	pst_cbor_put_raw(w, c->name);
	put_finding(w, run, c, label);
	pst_suit_report_keep(run->report, mark);
}

/* What the reporting policy asks for, once a command succeeded or failed. */
void
pst_suit_command_record(struct pst_suit_run *run,
    const struct pst_suit_command_now *c, bool success)
{
	bool differs = c->id == PST_SUIT_COND_IMAGE_NOT_MATCH;
	unsigned int policy = c->policy;
	int32_t label;

	policy &= success ? RECORD_SUCCESS | INFO_SUCCESS
			  : RECORD_FAILURE | INFO_FAILURE;
	if (policy == 0)
		return;
	label = finding(run, c, success);
	if (policy & (RECORD_SUCCESS | RECORD_FAILURE))
		put_record(run, c, differs == success ? label : 0);
	if (policy & (INFO_SUCCESS | INFO_FAILURE))
		put_claims(run, c, label);
}
