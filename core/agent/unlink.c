/*
 * Unlinking an installed root manifest, in a->staged (trust-domains,
 * suit-directive-unlink and Uninstall). What the two descriptions there leave
 * open is in docs/interop.md.
 */
#include "agent/agent_internal.h"

/* Run the uninstall section. The envelope is in memory.out meanwhile. */
static enum pst_err
uninstall(struct pst_agent *a, const struct pst_reg_record *r)
{
	struct pst_agent_update *u = &a->update;
	struct pst_bytes stored = { a->memory.out, 0 };
	const struct pst_crypto *c = a->ports.crypto;
	enum pst_err err;

	err = pst_agent_object_load(
	    a, r->n[1], a->memory.out, a->memory.out_cap, &stored.len);
	if (err == PST_OK)
		err = pst_suit_envelope_decode(stored, &u->envelope, NULL);
	if (err == PST_OK && !pst_equal(u->envelope.digest.bytes, r->data))
		err = PST_ERR_STORE_DAMAGED;
	/* It was authenticated before it was installed. */
	if (err == PST_OK)
		err = pst_suit_accept(&u->envelope, c, &u->manifest, NULL);
	if (err == PST_OK)
		err = pst_agent_run_begin(a, NULL);
	if (err != PST_OK)
		return err;
	err = pst_suit_run(&u->run, PST_SUIT_UNINSTALL);
	if (err == PST_OK)
		err = pst_suit_run_end(&u->run);
	/* A payload is not fetched to remove something. */
	if (err == PST_ERR_AGAIN)
		err = PST_ERR_SUIT_OPERATION;
	if (err != PST_OK)
		pst_suit_run_abandon(&u->run);
	return err;
}

/*
 * The section first, then the manifest's own reference and whatever it did not
 * unlink (docs/interop.md). A root manifest has one reference, the TAM's.
 */
enum pst_err
pst_agent_manifest_unlink(struct pst_agent *a, struct pst_bytes id)
{
	struct pst_agent_update *u = &a->update;
	struct pst_reg_record r;
	enum pst_err err;

	pst_agent_report_begin(a);
	if (!pst_agent_tam_covers(a, u->tam, id))
		return PST_ERR_SUIT_UNAUTHORISED;
	/* Gone already: what was asked for is so. */
	if (!pst_agent_find_manifest(a, id, &r) || r.n[1] == 0)
		return PST_OK;
	u->uninstall = true;
	err = uninstall(a, &r);
	u->uninstall = false;
	if (err != PST_OK)
		return err;
	/* The tombstone: its sequence number stays. */
	if (!pst_agent_find_manifest(a, id, &r))
		return PST_ERR_STORE_DAMAGED;
	r.n[1] = 0;
	err = pst_reg_put(&a->staged, &r);
	if (err == PST_OK)
		err = pst_agent_links_sweep(a);
	if (err == PST_OK)
		pst_agent_manifest_report(a, PST_OK);
	return err;
}
