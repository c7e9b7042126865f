/*
 * Component identifiers as people write them: elements joined by '/', each
 * plain printable ASCII, or uuid:8-4-4-4-12 for 16 bytes, or hex:... for any
 * bytes. The text of an identifier is unique, so it can be compared.
 */
#ifndef POSTERN_COMPONENT_H
#define POSTERN_COMPONENT_H

#include <postern/suit.h>

/* Room for the text of any identifier: two digits a byte and a prefix and a
 * slash an element. */
#define PST_COMPONENT_TEXT_MAX (2 * PST_SUIT_ID_MAX + 6 * PST_SUIT_ID_PARTS_MAX)

/**
 * Read the text form and write an encoded SUIT_Component_Identifier.
 *
 * @param text  zero-terminated
 * @param out   at most cap bytes; PST_SUIT_ID_MAX always suffices
 *
 * @retval PST_ERR_ARG    not an identifier
 * @retval PST_ERR_LIMIT  over PST_SUIT_ID_MAX or PST_SUIT_ID_PARTS_MAX
 * @retval PST_ERR_SPACE  out is too small
 */
enum pst_err pst_component_parse(
    const char *text, uint8_t *out, size_t cap, size_t *len) PST_MUST_CHECK;

/**
 * Write the text form of an encoded SUIT_Component_Identifier, with a
 * terminating zero. Never writes a control character.
 *
 * @param out  PST_COMPONENT_TEXT_MAX bytes always suffice; an empty string
 *             after an error
 */
enum pst_err
pst_component_print(struct pst_bytes id, char *out, size_t cap) PST_MUST_CHECK;

/** Read 8-4-4-4-12 hexadecimal digits; len must be 36. */
bool pst_uuid_parse(const char *text, size_t len, uint8_t out[16]);

/** Write 8-4-4-4-12 and a terminating zero. */
void pst_uuid_print(const uint8_t uuid[16], char out[37]);

/** Read pairs of hexadecimal digits, nothing else; digits is even. */
bool pst_hex_parse(const char *text, size_t digits, uint8_t *out);

#endif
