/*
 * The defaults of a TAM, chosen so that nothing needs to be switched on to be
 * safe.
 */
#include <tam/engine/engine.h>

void
pst_tam_policy_default(struct pst_tam_policy *p)
{
	*p = (struct pst_tam_policy){
		.data_items = PST_TEEP_ITEM_ATTESTATION |
		    PST_TEEP_ITEM_TRUSTED_COMPONENTS,
		/* An agent answers at once; a native quote takes seconds. */
		.challenge_life_s = 600,
		/* "several hours" (teep-protocol, Section 7.1). */
		.token_life_s = 12 * 3600,
		.backoff_s = 300,
		.backoff_max_s = 24 * 3600,
		.renegotiate_s = 60,
		.timestamps = false,
		.payload_age_s = 600,
		.skew_s = 60,
		.allow_debug = false,
		.any_software = 0,
		.return_result = false,
		.result_life_s = 24 * 3600,
		.passport_age_s = 0,
	};
}
