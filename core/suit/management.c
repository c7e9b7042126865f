/*
 * Versions, and the commands of draft-ietf-suit-update-management that ask
 * the device something: time, battery, authorisation, version, events.
 */
#include "suit_run.h"

#define DAY_S 86400
#define WEEK_DAYS 7
#define EPOCH_WEEKDAY 4 /* 1970-01-01 was a Thursday; Sunday is 0 */

/* --- versions ----------------------------------------------------------- */

/* [+int] */
static void
version(struct pst_cbor_reader *r)
{
	size_t n = pst_cbor_array(r, 1, PST_SUIT_VERSION_MAX);

	while (n-- > 0 && pst_cbor_ok(r))
		(void)pst_cbor_int(r, INT64_MIN, INT64_MAX);
}

bool
pst_suit_version_valid(struct pst_bytes encoded)
{
	struct pst_cbor_reader r;

	pst_cbor_reader_init(&r, encoded);
	version(&r);
	return pst_cbor_end(&r) == PST_OK;
}

void
pst_suit_version_match_read(struct pst_cbor_reader *r)
{
	(void)pst_cbor_array(r, 2, 2);
	if (pst_cbor_uint(r, PST_SUIT_VERSION_LESSER) <
	    PST_SUIT_VERSION_GREATER)
		pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
	version(r);
}

/* Less than, equal to or greater than 0 as have is below, at or above want. */
static int
order(struct pst_cbor_reader *have, struct pst_cbor_reader *want)
{
	size_t i, n = pst_cbor_array(have, 1, PST_SUIT_VERSION_MAX);
	size_t count = pst_cbor_array(want, 1, PST_SUIT_VERSION_MAX);

	for (i = 0; i < count; i++) {
		int64_t w = pst_cbor_int(want, INT64_MIN, INT64_MAX);
		int64_t h =
		    i < n ? pst_cbor_int(have, INT64_MIN, INT64_MAX) : 0;

		if (h != w)
			return h < w ? -1 : 1;
	}
	return 0;
}

static bool
holds(uint64_t comparison, int difference)
{
	switch (comparison) {
	case PST_SUIT_VERSION_GREATER:
		return difference > 0;
	case PST_SUIT_VERSION_GREATER_EQUAL:
		return difference >= 0;
	case PST_SUIT_VERSION_EQUAL:
		return difference == 0;
	case PST_SUIT_VERSION_LESSER_EQUAL:
		return difference <= 0;
	default:
		return difference < 0;
	}
}

enum pst_err
pst_suit_version_compare(struct pst_bytes match, struct pst_bytes have)
{
	struct pst_cbor_reader m, h;
	uint64_t comparison;

	pst_cbor_reader_init(&m, match);
	pst_suit_version_match_read(&m);
	if (pst_cbor_end(&m) != PST_OK || !pst_suit_version_valid(have))
		return PST_ERR_SUIT_PARAMETER;
	pst_cbor_reader_init(&m, match);
	pst_cbor_reader_init(&h, have);
	(void)pst_cbor_array(&m, 2, 2);
	comparison = pst_cbor_uint(&m, UINT64_MAX);
	return holds(comparison, order(&h, &m)) ? PST_OK
						: PST_ERR_SUIT_CONDITION;
}

/* --- wait-info ---------------------------------------------------------- */

/* [other-device: bstr, [+ SUIT_Parameter_Version_Match]] */
static void
other_device(struct pst_cbor_reader *r)
{
	size_t n;

	(void)pst_cbor_array(r, 2, 2);
	(void)pst_cbor_bstr(r, 0, SIZE_MAX);
	n = pst_cbor_array(r, 1, PST_SUIT_COMMANDS_MAX);
	while (n-- > 0 && pst_cbor_ok(r))
		pst_suit_version_match_read(r);
}

/* The argument of one event. A time of day past the day, or a day past the
 * week, would never come. */
static void
event_value(struct pst_cbor_reader *r, int64_t event)
{
	switch (event) {
	case PST_SUIT_EVENT_AUTHORIZATION:
	case PST_SUIT_EVENT_POWER:
	case PST_SUIT_EVENT_NETWORK:
		(void)pst_cbor_int(r, INT64_MIN, INT64_MAX);
		break;
	case PST_SUIT_EVENT_OTHER_DEVICE_VERSION:
		other_device(r);
		break;
	case PST_SUIT_EVENT_TIME:
		(void)pst_cbor_uint(r, UINT64_MAX);
		break;
	case PST_SUIT_EVENT_TIME_OF_DAY:
	case PST_SUIT_EVENT_TIME_OF_DAY_UTC:
		(void)pst_cbor_uint(r, DAY_S - 1);
		break;
	case PST_SUIT_EVENT_DAY_OF_WEEK:
	case PST_SUIT_EVENT_DAY_OF_WEEK_UTC:
		(void)pst_cbor_uint(r, WEEK_DAYS - 1);
		break;
	default:
		/* "All wait events MUST be satisfied", unknown ones too. */
		pst_cbor_fail(r, PST_ERR_SUIT_PARAMETER);
	}
}

void
pst_suit_wait_info_read(struct pst_cbor_reader *r)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, SIZE_MAX, &seen);

	if (n == 0)
		pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
	while (n-- > 0 && pst_cbor_ok(r)) {
		int64_t event = pst_cbor_key(r, &seen);

		if (pst_cbor_ok(r))
			event_value(r, event);
	}
}

/* --- component-metadata ------------------------------------------------- */

enum {
	META_DEFAULT_PERMISSIONS = 1,
	META_USER_PERMISSIONS = 2,
	META_GROUP_PERMISSIONS = 3,
	META_ROLE_PERMISSIONS = 4,
	META_FILE_TYPE = 5,
	META_MODIFICATION_TIME = 6,
	META_CREATION_TIME = 7,
	META_CREATOR = 8
};
#define META_PERMISSIONS_MAX 0x3fff /* bits 0 to 13 */
#define META_ACTORS_MAX 64
#define TAG_TIME 1
#define TAG_UUID 37
#define UUID_LEN 16

/* UUID_Tagged / bstr / tstr / int */
static void
actor(struct pst_cbor_reader *r)
{
	switch (pst_cbor_peek(r)) {
	case PST_CBOR_TAG:
		if (pst_cbor_tag(r) != TAG_UUID)
			pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
		(void)pst_cbor_bstr(r, UUID_LEN, UUID_LEN);
		break;
	case PST_CBOR_BSTR:
		(void)pst_cbor_bstr(r, 0, SIZE_MAX);
		break;
	case PST_CBOR_TSTR:
		(void)pst_cbor_tstr(r, 0, SIZE_MAX);
		break;
	default:
		(void)pst_cbor_int(r, INT64_MIN, INT64_MAX);
	}
}

/* {+ actor => permissions}. Keys are of any type, so an actor that is there
 * twice is found by comparing with those before. */
static void
permission_map(struct pst_cbor_reader *r)
{
	struct pst_cbor_reader before;
	struct pst_bytes key;
	struct pst_cbor_head h;
	size_t i, k, start;

	pst_cbor_head(r, &h);
	if (h.type != PST_CBOR_MAP)
		pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
	if (h.arg == 0 || h.arg > META_ACTORS_MAX)
		pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
	start = r->at;
	for (i = 0; pst_cbor_ok(r) && i < h.arg; i++) {
		key.ptr = r->in.ptr + r->at;
		actor(r);
		key.len = (size_t)(r->in.ptr + r->at - key.ptr);
		(void)pst_cbor_uint(r, META_PERMISSIONS_MAX);
		before = *r;
		before.at = start;
		for (k = 0; pst_cbor_ok(r) && k < i; k++) {
			if (pst_same(pst_cbor_item(&before), key))
				pst_cbor_fail(r, PST_ERR_CBOR_DUPLICATE);
			pst_cbor_skip(&before);
		}
	}
}

static void
metadata_value(struct pst_cbor_reader *r, int64_t label)
{
	switch (label) {
	case META_DEFAULT_PERMISSIONS:
		(void)pst_cbor_uint(r, META_PERMISSIONS_MAX);
		break;
	case META_USER_PERMISSIONS:
	case META_GROUP_PERMISSIONS:
	case META_ROLE_PERMISSIONS:
		permission_map(r);
		break;
	case META_FILE_TYPE: /* regular, directory, symlink */
		if (pst_cbor_uint(r, 3) < 1)
			pst_cbor_fail(r, PST_ERR_CBOR_RANGE);
		break;
	case META_MODIFICATION_TIME:
	case META_CREATION_TIME:
		if (pst_cbor_tag(r) != TAG_TIME)
			pst_cbor_fail(r, PST_ERR_CBOR_TYPE);
		(void)pst_cbor_uint(r, UINT64_MAX);
		break;
	case META_CREATOR:
		actor(r);
		break;
	default:
		pst_cbor_fail(r, PST_ERR_SUIT_PARAMETER);
	}
}

void
pst_suit_metadata_read(struct pst_cbor_reader *r)
{
	struct pst_cbor_seen seen;
	size_t n = pst_cbor_map(r, SIZE_MAX, &seen);

	while (n-- > 0 && pst_cbor_ok(r)) {
		int64_t label = pst_cbor_key(r, &seen);

		if (pst_cbor_ok(r))
			metadata_value(r, label);
	}
}

/* --- conditions --------------------------------------------------------- */

/* A condition's answer: without the fact it asks for it fails, and a device
 * that breaks is no failed condition. */
static enum pst_err
answer(enum pst_err err)
{
	switch (err) {
	case PST_ERR_CLOCK:
	case PST_ERR_NOT_FOUND:
		return PST_ERR_SUIT_CONDITION;
	case PST_ERR_AGAIN:
		return PST_ERR_SUIT_OPERATION;
	default:
		return err;
	}
}

enum pst_err
pst_suit_do_use_before(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_cbor_reader r;
	uint64_t now = 0;
	enum pst_err err;

	if (run->host->now == NULL)
		return PST_ERR_SUIT_COMMAND;
	if (!pst_suit_param(run, c->component, PST_SUIT_PARAM_USE_BEFORE, &r))
		return PST_ERR_SUIT_CONDITION;
	err = answer(run->host->now(run->host->ctx, &now));
	if (err != PST_OK)
		return err;
	return now < pst_cbor_uint(&r, UINT64_MAX) ? PST_OK
						   : PST_ERR_SUIT_CONDITION;
}

enum pst_err
pst_suit_do_minimum_battery(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_cbor_reader r;
	uint64_t mwh = 0;
	enum pst_err err;

	if (run->host->battery == NULL)
		return PST_ERR_SUIT_COMMAND;
	if (!pst_suit_param(
		run, c->component, PST_SUIT_PARAM_MINIMUM_BATTERY, &r))
		return PST_ERR_SUIT_CONDITION;
	err = answer(run->host->battery(run->host->ctx, &mwh));
	if (err != PST_OK)
		return err;
	return mwh >= pst_cbor_uint(&r, UINT64_MAX) ? PST_OK
						    : PST_ERR_SUIT_CONDITION;
}

enum pst_err
pst_suit_do_update_authorized(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_cbor_reader r;
	int64_t priority;

	if (run->host->authorized == NULL)
		return PST_ERR_SUIT_COMMAND;
	if (!pst_suit_param(
		run, c->component, PST_SUIT_PARAM_UPDATE_PRIORITY, &r))
		return PST_ERR_SUIT_CONDITION;
	priority = pst_cbor_int(&r, INT64_MIN, INT64_MAX);
	return answer(
	    run->host->authorized(run->host->ctx, run->m, c->name, priority));
}

enum pst_err
pst_suit_do_version(
    struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes match, have = { NULL, 0 };
	enum pst_err err;

	if (run->host->version == NULL)
		return PST_ERR_SUIT_COMMAND;
	if (!pst_suit_param_string(
		run, c->component, PST_SUIT_PARAM_VERSION, &match))
		return PST_ERR_SUIT_CONDITION;
	err = answer(run->host->version(run->host->ctx, c->name, &have));
	if (err != PST_OK)
		return err;
	if (!pst_suit_version_valid(have))
		return PST_ERR_SUIT_OPERATION;
	return pst_suit_version_compare(match, have);
}

/* --- wait --------------------------------------------------------------- */

/*
 * Has a time in UTC come? A time of day has come from then on to the end of
 * the day, and a day of the week while it lasts: so the two together say one
 * day and the hour from which it is good.
 */
static enum pst_err
time_event(struct pst_suit_run *run, int64_t event, uint64_t value)
{
	uint64_t now = 0;
	enum pst_err err = run->host->now(run->host->ctx, &now);
	bool come;

	if (err != PST_OK)
		return err == PST_ERR_CLOCK ? PST_ERR_AGAIN : err;
	if (event == PST_SUIT_EVENT_TIME)
		come = now >= value;
	else if (event == PST_SUIT_EVENT_TIME_OF_DAY_UTC)
		come = now % DAY_S >= value;
	else
		come = (now / DAY_S + EPOCH_WEEKDAY) % WEEK_DAYS == value;
	return come ? PST_OK : PST_ERR_AGAIN;
}

static enum pst_err
has_come(struct pst_suit_run *run, const struct pst_suit_command_now *c,
    int64_t event, struct pst_bytes value)
{
	const struct pst_suit_host *host = run->host;
	struct pst_cbor_reader r;

	switch (event) {
	case PST_SUIT_EVENT_TIME:
	case PST_SUIT_EVENT_TIME_OF_DAY_UTC:
	case PST_SUIT_EVENT_DAY_OF_WEEK_UTC:
		if (host->now == NULL)
			return PST_ERR_UNSUPPORTED;
		pst_cbor_reader_init(&r, value);
		return time_event(run, event, pst_cbor_uint(&r, UINT64_MAX));
	default:
		return host->wait(
		    host->ctx, c->name, (enum pst_suit_event)event, value);
	}
}

/* What becomes of the directive by one event's answer. */
static enum pst_err
waited(enum pst_err err)
{
	if (err == PST_ERR_UNSUPPORTED)
		return PST_ERR_SUIT_PARAMETER;
	return err == PST_ERR_SUIT_CONDITION ? PST_ERR_SUIT_OPERATION : err;
}

/*
 * All events of wait-info must have come at one time. All are asked, so that
 * one which is not supported is told before there is a wait for another.
 */
enum pst_err
pst_suit_do_wait(struct pst_suit_run *run, const struct pst_suit_command_now *c)
{
	struct pst_bytes info, value;
	struct pst_cbor_reader r;
	struct pst_cbor_seen seen;
	enum pst_err err;
	size_t n;

	run->event = PST_SUIT_EVENT_NONE;
	if (run->host->wait == NULL)
		return PST_ERR_SUIT_COMMAND;
	if (!pst_suit_param_string(
		run, c->component, PST_SUIT_PARAM_WAIT_INFO, &info))
		return PST_ERR_SUIT_PARAMETER;
	pst_cbor_reader_init(&r, info);
	n = pst_cbor_map(&r, SIZE_MAX, &seen);
	while (n-- > 0) {
		int64_t event = pst_cbor_key(&r, &seen);

		value = pst_cbor_item(&r);
		err = has_come(run, c, event, value);
		if (err != PST_OK && err != PST_ERR_AGAIN)
			return waited(err);
		if (err != PST_OK && run->event == PST_SUIT_EVENT_NONE)
			run->event = (uint8_t)event;
	}
	if (run->event == PST_SUIT_EVENT_NONE)
		return PST_OK;
	/* It will be carried out again, and counts as one command. */
	run->calls[run->call_depth - 1].commands--;
	return PST_ERR_AGAIN;
}
