/*
 * The switches of postern/suit_limits.h. Built with all on, with each one off
 * and with all off: what is off is refused as unsupported, with that reason,
 * and what is on is not.
 */
#include <postern/suit_report.h>
#include <stdlib.h>

#include "draft.h"
#include "suit_test.h"

/* <<96([h'', {1: -65534, 5: 16 bytes}, nil, [[h'', {1: -3}, 24 bytes]]])>> */
#define SEALED \
	"\x58\x3c\xd8\x60\x84\x40\xa2\x01\x39\xff\xfd\x05\x50" \
	"0123456789abcdef\xf6\x81\x83\x40\xa1\x01\x22\x58\x18" \
	"0123456789abcdef01234567"

static const struct {
	const char *name;
	bool with;
	struct pst_bytes section; /* of install, unless label says another */
	enum pst_suit_label label;
	bool prefix;
	enum pst_err off, on;
} rows[] = {
#define ROW(name, with, section, off, on) \
	{ \
		name, with, { (const uint8_t *)section, sizeof(section) - 1 }, \
		    0, false, off, on \
	}
#define MANAGED PST_SUIT_WITH_UPDATE_MANAGEMENT
	ROW("use-before", MANAGED, "\x82\x04\x00", PST_ERR_SUIT_COMMAND,
	    PST_ERR_SUIT_CONDITION),
	ROW("image-not-match", MANAGED, "\x82\x18\x19\x00",
	    PST_ERR_SUIT_COMMAND, PST_ERR_SUIT_CONDITION),
	ROW("minimum-battery", MANAGED, "\x82\x18\x1a\x00",
	    PST_ERR_SUIT_COMMAND, PST_ERR_SUIT_CONDITION),
	ROW("update-authorized", MANAGED, "\x82\x18\x1b\x00",
	    PST_ERR_SUIT_COMMAND, PST_ERR_SUIT_CONDITION),
	ROW("version", MANAGED, "\x82\x18\x1c\x00", PST_ERR_SUIT_COMMAND,
	    PST_ERR_SUIT_CONDITION),
	ROW("override-multiple", MANAGED, "\x82\x18\x22\xa1\x00\xa1\x0e\x01",
	    PST_ERR_SUIT_COMMAND, PST_OK),
	ROW("copy-params", MANAGED, "\x82\x18\x23\xa1\x00\x81\x0e",
	    PST_ERR_SUIT_COMMAND, PST_ERR_SUIT_PARAMETER),
	ROW("parameter use-before", MANAGED, "\x82\x14\xa1\x04\x01",
	    PST_ERR_SUIT_PARAMETER, PST_OK),
	ROW("parameter minimum-battery", MANAGED, "\x82\x14\xa1\x18\x1a\x01",
	    PST_ERR_SUIT_PARAMETER, PST_OK),
	ROW("parameter update-priority", MANAGED, "\x82\x14\xa1\x18\x1b\x01",
	    PST_ERR_SUIT_PARAMETER, PST_OK),
	ROW("parameter version", MANAGED,
	    "\x82\x14\xa1\x18\x1c\x44\x82\x03\x81\x01", PST_ERR_SUIT_PARAMETER,
	    PST_OK),
	ROW("wait", PST_SUIT_WITH_WAIT, "\x82\x18\x1d\x00",
	    PST_ERR_SUIT_COMMAND, PST_ERR_SUIT_PARAMETER),
	ROW("wait-info", PST_SUIT_WITH_WAIT,
	    "\x82\x14\xa1\x18\x1d\x43\xa1\x01\x01", PST_ERR_SUIT_PARAMETER,
	    PST_OK),
	ROW("component-metadata", PST_SUIT_WITH_METADATA,
	    "\x82\x14\xa1\x18\x1e\x43\xa1\x01\x01", PST_ERR_SUIT_PARAMETER,
	    PST_OK),
	ROW("swap", PST_SUIT_WITH_SWAP, "\x82\x18\x1f\x00",
	    PST_ERR_SUIT_COMMAND, PST_ERR_SUIT_PARAMETER),
	ROW("encryption-info", PST_SUIT_WITH_ENCRYPTION,
	    "\x82\x14\xa1\x13" SEALED, PST_ERR_SUIT_PARAMETER, PST_OK),
	{ "CoSWID", PST_SUIT_WITH_COSWID, { (const uint8_t *)"\xa0", 1 },
	    PST_SUIT_COSWID, false, PST_ERR_UNSUPPORTED, PST_OK },
	{ "set-version", MANAGED, { (const uint8_t *)"\x81\x01", 2 },
	    PST_SUIT_SET_VERSION, false, PST_ERR_UNSUPPORTED, PST_OK },
	{ "dependency-prefix", PST_SUIT_WITH_DEPENDENCY_PREFIX, { NULL, 0 }, 0,
	    true, PST_ERR_UNSUPPORTED, PST_OK },
	/* and what no switch is about */
	ROW("set-component-index", true, "\x82\x0c\x00", PST_ERR_SUIT_COMMAND,
	    PST_OK),
#undef ROW
};
#define ROWS (sizeof(rows) / sizeof(rows[0]))

static void
what_is_off_is_refused_and_what_is_on_is_not(void)
{
	static const int install[] = { PST_SUIT_INSTALL, 0 };
	static struct pst_suit_manifest m;
	static struct world w;
	struct draft d;
	enum pst_err err, want;
	size_t i;

	for (i = 0; i < ROWS; i++) {
		memset(&d, 0, sizeof(d));
		d.section = rows[i].section;
		d.label = rows[i].label;
		d.dependencies = rows[i].prefix ? 1 : 0;
		d.prefix = rows[i].prefix;
		want = rows[i].with ? rows[i].on : rows[i].off;
		CHECK_EQ(accepted(draft_make(&d), &m), PST_OK);
		world_init(&w);
		w.keys = &fixture()->keys;
		err = world_run(&w, &m, fixture()->crypto, install);
		if (err != want)
			printf("  %s\n", rows[i].name);
		CHECK_EQ(err, want);
		CHECK_EQ(w.report.reason, pst_suit_reason_of(want));
		if (!rows[i].with)
			CHECK(pst_suit_reason_lacks(w.report.reason));
		world_free(&w);
	}
}

/* A report that cannot be encrypted does not leave, and one that came
 * encrypted is not taken for something else. */
static void
without_encryption_no_report_is_encrypted(void)
{
	static const uint8_t plain[] = { 0xa0 };
	uint8_t buf[1024], work[1024];
	struct pst_suit_report_cover cover = { NULL, &fixture()->pub,
		{ NULL, 0 }, PST_ALG_A128GCM };
	struct pst_suit_report_open_args args = { NULL, &fixture()->keys,
		true };
	struct pst_suit_report_opened opened;
	size_t len = sizeof(plain);
	enum pst_err err;

	memcpy(buf, plain, sizeof(plain));
	err = pst_suit_report_protect(fixture()->crypto, &cover, buf,
	    sizeof(buf), &len, work, sizeof(work));
	CHECK_EQ(err, PST_SUIT_WITH_ENCRYPTION ? PST_OK : PST_ERR_UNSUPPORTED);
	CHECK_EQ(len > 0, PST_SUIT_WITH_ENCRYPTION);
	/* 96([h'', {}, h'00', [[h'', {}, h'']]]) */
	err = pst_suit_report_open(
	    B("\xd8\x60\x84\x40\xa0\x41\x00\x81\x83\x40\xa0\x40"),
	    fixture()->crypto, &args, work, sizeof(work), &opened);
	CHECK_EQ(err,
	    PST_SUIT_WITH_ENCRYPTION ? PST_ERR_COSE_ALG : PST_ERR_UNSUPPORTED);
}

int
main(void)
{
	RUN(what_is_off_is_refused_and_what_is_on_is_not);
	RUN(without_encryption_no_report_is_encrypted);
	TEST_END();
}
