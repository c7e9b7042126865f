/*
 * What checks the items of a TEEP message's lists: one item that is not of its
 * kind fails the reader.
 */
#ifndef PST_TEEP_ITEM_H
#define PST_TEEP_ITEM_H

#include <postern/teep.h>

#include "../pst_internal.h"

/** A 32-bit number: versions, extensions (Section 4.2). */
void pst_teep_item_uint32(struct pst_cbor_reader *r);

/** A SUIT_Report, opaque here: pst_suit_report_decode reads it. */
void pst_teep_item_report(struct pst_cbor_reader *r);

/** bstr .cbor SUIT_Envelope, of which only the head is looked at. */
void pst_teep_item_manifest(struct pst_cbor_reader *r);

/** SUIT_Component_Identifier. */
void pst_teep_item_component(struct pst_cbor_reader *r);

/** system-property-claims (draft-ietf-suit-report). */
void pst_teep_item_tc(struct pst_cbor_reader *r);

/** requested-tc-info (Section 4.3). */
void pst_teep_item_requested(struct pst_cbor_reader *r);

#endif
