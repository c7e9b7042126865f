/* Claims of EATs for the policy: for files of verifier/ only. */
#ifndef PST_VERIFIER_EAT_CLAIMS_H
#define PST_VERIFIER_EAT_CLAIMS_H

#include <postern/eat_modules.h>

#include "policy.h"

/**
 * Hand the claims of a token and of its submodules to the policy. Adds a check
 * when one of them cannot be understood or is not valid at now_s, and
 * "submodule" when there are some.
 */
void pst_eat_put_claims(const struct pst_verifier *v,
    const struct pst_eat_tree *tree, uint64_t now_s, struct pst_appraisal *out);

#endif
