/* The tables of known labels, one file a family of specifications. */
#ifndef PST_DIAG_TABLES_H
#define PST_DIAG_TABLES_H

#include "walk.h"

/* clang-format off */
#define FIELDS(f) .fields = (f), .count = sizeof(f) / sizeof((f)[0])
/* clang-format on */

/* tables_cose.c */
extern const struct pst_shape shape_alg, shape_cose_key;
extern const struct pst_shape shape_sign1, shape_sign, shape_mac0, shape_mac;
extern const struct pst_shape shape_encrypt0, shape_encrypt;
/* tables_eat.c */
extern const struct pst_shape shape_claims, shape_bundle;
/* tables_suit.c */
extern const struct pst_shape shape_envelope, shape_manifest, shape_digest;
extern const struct pst_shape shape_component, shape_parameters;
extern const struct pst_shape shape_encryption_info, shape_section;
extern const struct pst_shape shape_command_name, shape_parameter_name;
/* tables_report.c */
extern const struct pst_shape shape_report, shape_property_claims;
/* tables_teep.c */
extern const struct pst_shape shape_query_request, shape_query_response;
extern const struct pst_shape shape_update, shape_success, shape_error;
/* guess.c */
extern const struct pst_shape shape_guess, shape_time;

#endif
