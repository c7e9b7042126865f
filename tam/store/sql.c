/*
 * Every statement of the store and the schema, as plain SQL: no feature that
 * PostgreSQL lacks, but for the pragmas and STRICT, which stand apart.
 *
 * Times are seconds since 1970. Component identifiers, digests and keys are
 * kept as they are encoded on the wire. No secret is in here: challenge keys
 * are files, and a token is worth something only to the device that holds
 * the TEEP key.
 */
#include "store_internal.h"

/*
 * Version 1. The envelope stands last, so that a listing does not read it.
 */
static const char schema_1[] =
    "CREATE TABLE meta ("
    " name TEXT PRIMARY KEY, value INTEGER NOT NULL) STRICT;"
    "INSERT INTO meta VALUES ('generation', 1);"

    "CREATE TABLE devices ("
    " id INTEGER PRIMARY KEY,"
    " name TEXT NOT NULL UNIQUE,"
    " status INTEGER NOT NULL,"
    " attester BLOB NOT NULL UNIQUE,"
    " attestation_key BLOB,"
    " teep_key BLOB,"
    " thumbprint BLOB UNIQUE,"
    " enrolled_s INTEGER NOT NULL,"
    " seen_s INTEGER NOT NULL DEFAULT 0,"
    " attested_s INTEGER NOT NULL DEFAULT 0,"
    " attested INTEGER NOT NULL DEFAULT 0,"
    " claims BLOB,"
    " token BLOB,"
    " token_expires_s INTEGER NOT NULL DEFAULT 0,"
    " pending BLOB,"
    " tc_digest BLOB) STRICT;"
    "CREATE INDEX devices_token ON devices (token_expires_s)"
    " WHERE token IS NOT NULL;"

    "CREATE TABLE inventory ("
    " device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,"
    " component BLOB NOT NULL,"
    " digest_alg INTEGER NOT NULL,"
    " digest BLOB,"
    " image_size INTEGER,"
    " since_s INTEGER NOT NULL,"
    " PRIMARY KEY (device, component)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE spent ("
    " challenge BLOB PRIMARY KEY,"
    " expires_s INTEGER NOT NULL) STRICT, WITHOUT ROWID;"
    "CREATE INDEX spent_expires ON spent (expires_s);"

    "CREATE TABLE manifests ("
    " id INTEGER PRIMARY KEY,"
    " manifest_id BLOB NOT NULL,"
    " sequence INTEGER NOT NULL,"
    " digest_alg INTEGER NOT NULL,"
    " digest BLOB NOT NULL UNIQUE,"
    " components BLOB NOT NULL,"
    " component_count INTEGER NOT NULL,"
    " signer TEXT NOT NULL,"
    " published_s INTEGER NOT NULL,"
    " envelope_len INTEGER NOT NULL,"
    " envelope BLOB NOT NULL,"
    " UNIQUE (manifest_id, sequence)) STRICT;"
    "CREATE TABLE manifest_components ("
    " component BLOB NOT NULL,"
    " manifest INTEGER NOT NULL REFERENCES manifests (id) ON DELETE CASCADE,"
    " PRIMARY KEY (component, manifest)) STRICT, WITHOUT ROWID;"

    "CREATE TABLE groups ("
    " id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE) STRICT;"
    "CREATE TABLE members ("
    " device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,"
    " grp INTEGER NOT NULL REFERENCES groups (id) ON DELETE CASCADE,"
    " PRIMARY KEY (device, grp)) STRICT, WITHOUT ROWID;"
    "CREATE INDEX members_grp ON members (grp);"

    "CREATE TABLE assignments ("
    " id INTEGER PRIMARY KEY,"
    " component BLOB NOT NULL,"
    " scope INTEGER NOT NULL,"
    " grp INTEGER REFERENCES groups (id) ON DELETE CASCADE,"
    " device INTEGER REFERENCES devices (id) ON DELETE CASCADE,"
    " on_request INTEGER NOT NULL) STRICT;"
    "CREATE UNIQUE INDEX assignments_once ON assignments"
    " (component, scope, coalesce(grp, 0), coalesce(device, 0));"
    "CREATE INDEX assignments_device ON assignments (device);"

    "CREATE TABLE anchors ("
    " id INTEGER PRIMARY KEY,"
    " kind INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " public_key BLOB NOT NULL,"
    " prefixes BLOB NOT NULL,"
    " prefix_count INTEGER NOT NULL,"
    " UNIQUE (kind, name)) STRICT;"

    "CREATE TABLE reports ("
    " id INTEGER PRIMARY KEY,"
    " device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,"
    " at_s INTEGER NOT NULL,"
    " success INTEGER NOT NULL,"
    " err_code INTEGER NOT NULL,"
    " msg TEXT NOT NULL,"
    " digest_alg INTEGER NOT NULL,"
    " digest BLOB,"
    " code INTEGER NOT NULL,"
    " reason INTEGER NOT NULL,"
    " section INTEGER NOT NULL,"
    " place INTEGER NOT NULL,"
    " component INTEGER NOT NULL,"
    " raw BLOB) STRICT;"
    "CREATE INDEX reports_device ON reports (device, id);"

    "CREATE TABLE audit ("
    " id INTEGER PRIMARY KEY,"
    " at_s INTEGER NOT NULL,"
    " who TEXT NOT NULL,"
    " what TEXT NOT NULL,"
    " detail TEXT NOT NULL) STRICT;";

/* Version 2: what was delivered and what failed; Errors answered. */
static const char schema_2[] = "ALTER TABLE devices ADD COLUMN ledger BLOB;"
			       "ALTER TABLE devices ADD COLUMN renegotiated_s"
			       " INTEGER NOT NULL DEFAULT 0;";

/* What an EAR says of the last appraisal, and when that was. */
static const char schema_verdict[] =
    "ALTER TABLE devices ADD COLUMN verdict BLOB;"
    "ALTER TABLE devices ADD COLUMN appraised_s INTEGER NOT NULL DEFAULT 0;";

/*
 * Who attests for a device: several while a key is replaced. What was enrolled
 * before has no technology: any that the key serves.
 */
static const char schema_attesters[] =
    "CREATE TABLE attesters ("
    " id INTEGER PRIMARY KEY,"
    " attester BLOB NOT NULL UNIQUE,"
    " device INTEGER NOT NULL REFERENCES devices (id) ON DELETE CASCADE,"
    " technology TEXT NOT NULL,"
    " public_key BLOB,"
    " x5chain BLOB,"
    " origin TEXT NOT NULL,"
    " since_s INTEGER NOT NULL) STRICT;"
    "CREATE INDEX attesters_device ON attesters (device);"
    "INSERT INTO attesters (attester, device, technology, public_key, origin,"
    " since_s) SELECT attester, id, '', attestation_key, '', enrolled_s"
    " FROM devices;"
    "ALTER TABLE devices DROP COLUMN attestation_key;";

/*
 * What the Verifier in process believes beforehand. The content stands last, so
 * that a listing does not read it.
 */
static const char schema_endorsements[] =
    "CREATE TABLE endorsements ("
    " id INTEGER PRIMARY KEY,"
    " kind INTEGER NOT NULL,"
    " name TEXT NOT NULL,"
    " added_s INTEGER NOT NULL,"
    " size INTEGER NOT NULL,"
    " content BLOB NOT NULL,"
    " UNIQUE (kind, name)) STRICT;"
    "INSERT INTO meta VALUES ('endorsements', 1);";

/* Why the last appraisal failed, a line a check. */
static const char schema_reasons[] =
    "ALTER TABLE devices ADD COLUMN reasons TEXT NOT NULL DEFAULT '';";

/* Other keys that a device attested, and what it attested with last. */
static const char schema_evidence[] =
    "ALTER TABLE devices ADD COLUMN device_keys BLOB;"
    "CREATE TABLE evidence ("
    " device INTEGER PRIMARY KEY REFERENCES devices (id) ON DELETE CASCADE,"
    " at_s INTEGER NOT NULL,"
    " format TEXT NOT NULL,"
    " payload BLOB NOT NULL) STRICT;";

const char *const pst_tam_schema[] = { schema_1, schema_2, schema_verdict,
	schema_attesters, schema_endorsements, schema_reasons,
	schema_evidence };
const int pst_tam_schema_version =
    (int)(sizeof(pst_tam_schema) / sizeof(pst_tam_schema[0]));

#define DEVICE_RECORD \
	"SELECT d.id, d.status, d.name, a.attester, d.teep_key, d.token," \
	" d.token_expires_s, d.pending, d.ledger, d.tc_digest," \
	" d.renegotiated_s, m.grp," \
	" (SELECT value FROM meta WHERE name = 'generation')," \
	" a.public_key, a.technology, a.x5chain, d.device_keys" \
	" FROM devices d JOIN attesters a ON a.device = d.id" \
	" LEFT JOIN members m ON m.device = d.id "

/*
 * All that one message changes in a device's row, in one statement. What is
 * NULL, or whose flag is 0, stays. The thumbprint stands apart, and the token
 * is in a statement of its own: an update that names an indexed column writes
 * the index too, and a poll should not.
 *
 * 1 now, 2 outcome of the appraisal, 3 claims, 4 flag and 5 digest of tc-list,
 * 6 ledger, 7 flag: an Error was answered, 8 id, 13 verdict, 14 reasons
 */
#define ROW_SET \
	"UPDATE devices SET seen_s = ?1," \
	" attested_s = CASE WHEN ?2 = 0 THEN ?1 ELSE attested_s END," \
	" attested = coalesce(?2, attested)," \
	" claims = coalesce(?3, claims)," \
	" verdict = CASE WHEN ?2 IS NULL THEN verdict ELSE ?13 END," \
	" reasons = CASE WHEN ?2 IS NULL THEN reasons ELSE ?14 END," \
	" appraised_s = CASE WHEN ?2 IS NULL THEN appraised_s ELSE ?1 END," \
	" tc_digest = CASE WHEN ?4 = 1 THEN ?5 ELSE tc_digest END," \
	" ledger = coalesce(?6, ledger)," \
	" renegotiated_s = CASE WHEN ?7 = 1 THEN ?1" \
	" ELSE renegotiated_s END"

#define DEVICE_ROW \
	"SELECT id, name, status, attester, teep_key, enrolled_s, seen_s," \
	" attested_s, attested, claims, token IS NOT NULL, token_expires_s," \
	" verdict, appraised_s, reasons FROM devices "

const char *const pst_tam_sql_text[SQL_COUNT] = {
	[SQL_BEGIN] = "BEGIN IMMEDIATE",
	[SQL_COMMIT] = "COMMIT",
	[SQL_ROLLBACK] = "ROLLBACK",
	[SQL_SAVE] = "SAVEPOINT one",
	[SQL_SAVE_UNDO] = "ROLLBACK TO SAVEPOINT one",
	[SQL_SAVE_DONE] = "RELEASE SAVEPOINT one",
	[SQL_GENERATION_NEXT] =
	    "UPDATE meta SET value = value + 1 WHERE name = 'generation'",

	[SQL_SPEND] = "INSERT INTO spent (challenge, expires_s)"
		      " VALUES (?, ?)",
	[SQL_ROW] = ROW_SET " WHERE id = ?8",
	/* 9 token, 10 expiry, 11 pending, 12: what the token must be now */
	[SQL_ROW_TOKEN] =
	    ROW_SET ", token = ?9, token_expires_s = ?10, pending = ?11"
		    " WHERE id = ?8 AND (?12 IS NULL OR token = ?12)",
	[SQL_KEY] = "UPDATE devices SET teep_key = ?, thumbprint = ?"
		    " WHERE id = ?",
	[SQL_DEVICE_KEYS] = "UPDATE devices SET device_keys = ? WHERE id = ?",
	[SQL_EVIDENCE] =
	    "INSERT INTO evidence (device, at_s, format, payload)"
	    " VALUES (?, ?, ?, ?) ON CONFLICT (device) DO UPDATE SET"
	    " at_s = excluded.at_s, format = excluded.format,"
	    " payload = excluded.payload",
	[SQL_INVENTORY_CLEAR] = "DELETE FROM inventory WHERE device = ?",
	[SQL_INVENTORY_PUT] =
	    "INSERT INTO inventory (device, component, digest_alg, digest,"
	    " image_size, since_s) VALUES (?, ?, ?, ?, ?, ?)"
	    " ON CONFLICT (device, component) DO UPDATE SET"
	    " digest_alg = excluded.digest_alg, digest = excluded.digest,"
	    " image_size = excluded.image_size, since_s = excluded.since_s",
	/* The components of a manifest, whose digests are not known yet. */
	[SQL_INVENTORY_PARTS] =
	    "INSERT INTO inventory (device, component, digest_alg, digest,"
	    " image_size, since_s) SELECT ?1, c.component, 0, NULL, NULL, ?2"
	    " FROM manifest_components c JOIN manifests m"
	    " ON m.id = c.manifest WHERE m.digest = ?3 AND"
	    " c.component <> m.manifest_id"
	    " ON CONFLICT (device, component) DO UPDATE SET"
	    " digest_alg = excluded.digest_alg, digest = excluded.digest,"
	    " image_size = excluded.image_size, since_s = excluded.since_s",
	/* A manifest goes, and its components that no other one brought. */
	[SQL_INVENTORY_DROP] =
	    "DELETE FROM inventory WHERE device = ?1 AND (component = ?2 OR"
	    " component IN (SELECT c.component FROM manifest_components c"
	    " JOIN manifests m ON m.id = c.manifest WHERE m.manifest_id = ?2"
	    " AND NOT EXISTS (SELECT 1 FROM inventory i JOIN manifests n"
	    " ON n.manifest_id = i.component AND n.digest = i.digest"
	    " JOIN manifest_components o ON o.manifest = n.id"
	    " WHERE i.device = ?1 AND i.component <> ?2 AND"
	    " o.component = c.component)))",
	[SQL_REPORT] =
	    "INSERT INTO reports (device, at_s, success, err_code, msg,"
	    " digest_alg, digest, code, reason, section, place, component,"
	    " raw) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_REPORTS_TRIM] = "DELETE FROM reports WHERE device = ?1 AND id <="
			     " (SELECT id FROM reports WHERE device = ?1"
			     " ORDER BY id DESC LIMIT 1 OFFSET ?2)",
	[SQL_PURGE_SPENT] = "DELETE FROM spent WHERE expires_s <= ?",
	[SQL_PURGE_TOKENS] =
	    "UPDATE devices SET token = NULL, token_expires_s = 0,"
	    " pending = NULL WHERE token IS NOT NULL AND"
	    " token_expires_s <= ?",
	[SQL_PURGE_AUDIT] =
	    "DELETE FROM audit WHERE id <= (SELECT max(id) FROM audit) - ?",

	[SQL_DEVICE_BY_KEY] = DEVICE_RECORD "WHERE d.thumbprint = ?"
					    " AND a.attester = d.attester",
	[SQL_DEVICE_BY_ATTESTER] = DEVICE_RECORD "WHERE a.attester = ?",
	[SQL_GENERATION] = "SELECT value FROM meta WHERE name = 'generation'",
	/* The newest of each, in the order in which they first appeared. */
	[SQL_CATALOGUE] =
	    "SELECT m.id, m.manifest_id, m.sequence, m.digest_alg, m.digest,"
	    " m.components, m.component_count, m.envelope_len"
	    " FROM manifests m JOIN"
	    " (SELECT manifest_id, max(sequence) AS newest, min(id) AS first"
	    "  FROM manifests GROUP BY manifest_id) n"
	    " ON n.manifest_id = m.manifest_id AND n.newest = m.sequence"
	    " ORDER BY n.first",
	[SQL_GRANTS] = "SELECT component, scope, grp, on_request"
		       " FROM assignments WHERE device IS NULL",
	[SQL_DEVICE_GRANTS] = "SELECT component, on_request FROM assignments"
			      " WHERE device = ?",
	[SQL_ANY_DEVICE_GRANT] = "SELECT EXISTS (SELECT 1 FROM assignments"
				 " WHERE device IS NOT NULL)",
	[SQL_ENVELOPE] = "SELECT envelope FROM manifests WHERE id = ?",

	[SQL_AUDIT] = "INSERT INTO audit (at_s, who, what, detail)"
		      " VALUES (?, ?, ?, ?)",
	[SQL_DEVICE_ID] = "SELECT id FROM devices WHERE name = ?",
	[SQL_DEVICE_ADD] = "INSERT INTO devices (name, status, attester,"
			   " enrolled_s) VALUES (?, 1, ?, ?)",
	[SQL_DEVICE_SHOWN] = "UPDATE devices SET attester = ? WHERE id = ?",
	[SQL_ATTESTER] = "SELECT device, technology, public_key, x5chain"
			 " FROM attesters WHERE attester = ?",
	[SQL_ATTESTER_ADD] =
	    "INSERT INTO attesters (attester, device, technology, public_key,"
	    " x5chain, origin, since_s) VALUES (?, ?, ?, ?, ?, ?, ?)",
	[SQL_ATTESTER_RENEW] = "UPDATE attesters SET technology = ?,"
			       " public_key = ?, x5chain = ?"
			       " WHERE attester = ?",
	[SQL_ATTESTER_REMOVE] =
	    "DELETE FROM attesters WHERE attester = ? AND device = ?",
	[SQL_ATTESTER_NEWEST] =
	    "SELECT attester, origin FROM attesters WHERE device = ?"
	    " ORDER BY id DESC LIMIT 1",
	[SQL_DEVICE_STATUS] =
	    "UPDATE devices SET status = ?, token = NULL,"
	    " token_expires_s = 0, pending = NULL WHERE name = ?",
	[SQL_DEVICE_REMOVE] = "DELETE FROM devices WHERE name = ?",
	[SQL_GROUP_ID] = "SELECT id FROM groups WHERE name = ?",
	[SQL_GROUP_ADD] = "INSERT INTO groups (name) VALUES (?)"
			  " ON CONFLICT (name) DO NOTHING",
	[SQL_GROUP_REMOVE] = "DELETE FROM groups WHERE name = ?",
	[SQL_MEMBER_ADD] = "INSERT INTO members (device, grp) VALUES (?, ?)"
			   " ON CONFLICT (device, grp) DO NOTHING",
	[SQL_MEMBER_REMOVE] =
	    "DELETE FROM members WHERE device = ? AND grp = ?",
	[SQL_ASSIGN] = "INSERT INTO assignments (component, scope, grp, device,"
		       " on_request) VALUES (?, ?, ?, ?, ?)"
		       " ON CONFLICT (component, scope, coalesce(grp, 0),"
		       " coalesce(device, 0))"
		       " DO UPDATE SET on_request = excluded.on_request",
	[SQL_UNASSIGN] =
	    "DELETE FROM assignments WHERE component = ? AND scope = ?"
	    " AND coalesce(grp, 0) = coalesce(?, 0)"
	    " AND coalesce(device, 0) = coalesce(?, 0)",
	[SQL_ANCHOR_SAME] = "SELECT public_key FROM anchors"
			    " WHERE kind = ? AND name = ?",
	[SQL_ANCHOR_ADD] =
	    "INSERT INTO anchors (kind, name, public_key, prefixes,"
	    " prefix_count) VALUES (?, ?, ?, ?, ?)"
	    " ON CONFLICT (kind, name) DO UPDATE SET"
	    " prefixes = excluded.prefixes,"
	    " prefix_count = excluded.prefix_count",
	[SQL_ANCHOR_REMOVE] = "DELETE FROM anchors WHERE kind = ? AND name = ?",
	[SQL_ENDORSEMENT_NEXT] =
	    "UPDATE meta SET value = value + 1 WHERE name = 'endorsements'",
	/* without the one that would be replaced */
	[SQL_ENDORSEMENT_COUNT] = "SELECT count(*) FROM endorsements"
				  " WHERE NOT (kind = ? AND name = ?)",
	[SQL_ENDORSEMENT_PUT] =
	    "INSERT INTO endorsements (kind, name, added_s, size, content)"
	    " VALUES (?, ?, ?, ?, ?)"
	    " ON CONFLICT (kind, name) DO UPDATE SET"
	    " added_s = excluded.added_s, size = excluded.size,"
	    " content = excluded.content",
	[SQL_ENDORSEMENT_REMOVE] =
	    "DELETE FROM endorsements WHERE kind = ? AND name = ?",
	[SQL_MANIFEST_NEWEST] =
	    "SELECT sequence, digest_alg, digest FROM manifests"
	    " WHERE manifest_id = ? ORDER BY sequence DESC LIMIT 1",
	[SQL_MANIFEST_ADD] =
	    "INSERT INTO manifests (manifest_id, sequence, digest_alg,"
	    " digest, components, component_count, signer, published_s,"
	    " envelope_len, envelope) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
	[SQL_MANIFEST_COMPONENT] =
	    "INSERT INTO manifest_components (component, manifest)"
	    " VALUES (?, ?) ON CONFLICT (component, manifest) DO NOTHING",
	[SQL_MANIFEST_TRIM] =
	    "UPDATE manifests SET envelope = x'' WHERE manifest_id = ?1"
	    " AND length(envelope) > 0 AND sequence <="
	    " (SELECT sequence FROM manifests WHERE manifest_id = ?1"
	    " ORDER BY sequence DESC LIMIT 1 OFFSET ?2)",

	[SQL_LIST_DEVICES] = DEVICE_ROW "WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_FIND_DEVICE] = DEVICE_ROW "WHERE name = ?",
	[SQL_DEVICE_GROUPS] =
	    "SELECT g.name FROM members m JOIN groups g ON g.id = m.grp"
	    " WHERE m.device = ? ORDER BY g.name",
	[SQL_LIST_ATTESTERS] =
	    "SELECT attester, technology, public_key, x5chain, origin, since_s"
	    " FROM attesters WHERE device = ? ORDER BY id",
	[SQL_FIND_EVIDENCE] =
	    "SELECT e.at_s, e.format, e.payload FROM evidence e"
	    " JOIN devices d ON d.id = e.device WHERE d.name = ?",
	[SQL_LIST_INVENTORY] =
	    "SELECT i.component, i.digest_alg, i.digest, i.image_size,"
	    " i.since_s, m.id, m.sequence FROM inventory i"
	    " LEFT JOIN manifests m ON m.digest = i.digest"
	    " AND m.digest_alg = i.digest_alg"
	    " AND m.manifest_id = i.component"
	    " WHERE i.device = ? ORDER BY i.component",
	[SQL_LIST_REPORTS] =
	    "SELECT r.id, r.device, r.at_s, r.success, r.err_code, r.msg,"
	    " r.digest_alg, r.digest, m.manifest_id, r.code, r.reason,"
	    " r.section, r.place, r.component, r.raw, m.id FROM reports r"
	    " LEFT JOIN manifests m ON m.digest = r.digest"
	    " WHERE r.id > ?1 AND (?2 = 0 OR r.device = ?2)"
	    " ORDER BY r.id LIMIT ?3",
	[SQL_LIST_MANIFESTS] =
	    "SELECT id, manifest_id, sequence, digest_alg, digest,"
	    " components, component_count, signer, published_s,"
	    " envelope_len FROM manifests WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_LIST_GROUPS] =
	    "SELECT id, name,"
	    " (SELECT count(*) FROM members WHERE grp = groups.id)"
	    " FROM groups WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_LIST_ASSIGNMENTS] =
	    "SELECT a.id, a.component, a.scope, g.name, d.name,"
	    " a.on_request,"
	    " EXISTS (SELECT 1 FROM manifest_components c"
	    "  WHERE c.component = a.component)"
	    " FROM assignments a LEFT JOIN groups g ON g.id = a.grp"
	    " LEFT JOIN devices d ON d.id = a.device"
	    " WHERE a.id > ? ORDER BY a.id LIMIT ?",
	[SQL_PUBLISHED] =
	    "SELECT 1 FROM manifest_components WHERE component = ? LIMIT 1",
	[SQL_LIST_ANCHORS] =
	    "SELECT id, kind, name, public_key, prefixes, prefix_count"
	    " FROM anchors WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_LIST_ENDORSEMENTS] =
	    "SELECT id, kind, name, added_s, size,"
	    " CASE WHEN ?3 THEN content END"
	    " FROM endorsements WHERE id > ?1 ORDER BY id LIMIT ?2",
	[SQL_FIND_ENDORSEMENT] =
	    "SELECT id, kind, name, added_s, size, content"
	    " FROM endorsements WHERE kind = ? AND name = ?",
	[SQL_ENDORSEMENT_GENERATION] =
	    "SELECT value FROM meta WHERE name = 'endorsements'",
	[SQL_LIST_AUDIT] = "SELECT id, at_s, who, what, detail FROM audit"
			   " WHERE id > ? ORDER BY id LIMIT ?",
	[SQL_COUNTS] = "SELECT (SELECT count(*) FROM devices),"
		       " (SELECT count(*) FROM manifests),"
		       " (SELECT count(*) FROM spent),"
		       " (SELECT count(*) FROM reports),"
		       " (SELECT count(*) FROM inventory),"
		       " (SELECT count(*) FROM audit)",
};
