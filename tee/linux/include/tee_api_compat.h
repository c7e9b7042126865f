/* The 1.1 form of the API: refused in tee_api_types.h, not imitated. */
#ifndef TEE_API_COMPAT_H
#define TEE_API_COMPAT_H
#include <tee_api_types.h>
#endif
