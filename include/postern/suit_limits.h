/*
 * What this build of the SUIT processor holds, and what it can do: all limits
 * and switches of core/suit. Set them at build time, with the CMake options
 * POSTERN_SUIT_PROFILE and POSTERN_SUIT_*, or with -D for one of them; a
 * program must be built with the values of the library that it links.
 *
 * What exceeds a limit is refused, never cut (docs/decisions/
 * 0036-limits-have-reasons.md): the report's reason is component-unsupported
 * where a component is one too many or its identifier too long,
 * parameter-unsupported where a parameter's value is, and operation-failed
 * with PST_ERR_LIMIT as its code everywhere else.
 *
 * What a switch turns off is refused as unsupported, is not in the capability
 * report, and its code is not linked.
 */
#ifndef POSTERN_SUIT_LIMITS_H
#define POSTERN_SUIT_LIMITS_H

/* The profile `small` is for a TEE of some ten KiB. */
#ifdef PST_SUIT_PROFILE_SMALL
#define PST_SUIT_LIMIT(normal, small) (small)
#else
#define PST_SUIT_LIMIT(normal, small) (normal)
#endif

/* --- limits ------------------------------------------------------------ */

#ifndef PST_SUIT_COMPONENTS_MAX /* of one manifest */
#define PST_SUIT_COMPONENTS_MAX PST_SUIT_LIMIT(64, 8)
#endif
#ifndef PST_SUIT_PLACES_MAX /* components of all manifests of a run */
#define PST_SUIT_PLACES_MAX PST_SUIT_LIMIT(128, 16)
#endif
#ifndef PST_SUIT_DEPENDENCIES_MAX /* of one manifest, and of a run */
#define PST_SUIT_DEPENDENCIES_MAX PST_SUIT_LIMIT(16, 4)
#endif
#ifndef PST_SUIT_TREE_DEPTH_MAX /* dependencies of dependencies */
#define PST_SUIT_TREE_DEPTH_MAX PST_SUIT_LIMIT(8, 2)
#endif
#ifndef PST_SUIT_CALLS_MAX /* dependencies processed in one section */
#define PST_SUIT_CALLS_MAX PST_SUIT_LIMIT(64, 8)
#endif
#ifndef PST_SUIT_DEPTH_MAX /* nested try-each and run-sequence */
#define PST_SUIT_DEPTH_MAX PST_SUIT_LIMIT(8, 4)
#endif
#ifndef PST_SUIT_FRAMES_MAX /* sequences that run, of all manifests */
#define PST_SUIT_FRAMES_MAX PST_SUIT_LIMIT(24, 10)
#endif
#ifndef PST_SUIT_COMMANDS_MAX /* run in one section; in one sequence */
#define PST_SUIT_COMMANDS_MAX PST_SUIT_LIMIT(1024, 256)
#endif
#ifndef PST_SUIT_MEMBERS_MAX /* entries of an envelope */
#define PST_SUIT_MEMBERS_MAX PST_SUIT_LIMIT(64, 16)
#endif
#ifndef PST_SUIT_AUTH_MAX /* authentication blocks of an envelope */
#define PST_SUIT_AUTH_MAX PST_SUIT_LIMIT(8, 4)
#endif
#ifndef PST_SUIT_URI_MAX /* bytes */
#define PST_SUIT_URI_MAX PST_SUIT_LIMIT(2048, 512)
#endif
#ifndef PST_SUIT_ID_MAX /* bytes of an encoded component identifier */
#define PST_SUIT_ID_MAX PST_SUIT_LIMIT(256, 96)
#endif
#ifndef PST_SUIT_ID_PARTS_MAX /* elements of a component identifier */
#define PST_SUIT_ID_PARTS_MAX PST_SUIT_LIMIT(16, 8)
#endif
#ifndef PST_SUIT_VERSION_MAX /* integers of a version */
#define PST_SUIT_VERSION_MAX PST_SUIT_LIMIT(16, 8)
#endif
#ifndef PST_SUIT_WALK_MAX /* elements of a record's manifest-id */
#define PST_SUIT_WALK_MAX PST_SUIT_LIMIT(16, 8)
#endif

#define PST_SUIT_WORK_MIN 256	  /* bytes of a run's chunk buffer */
#define PST_SUIT_SECTION_COUNT 11 /* sections of a manifest; no limit */

/* Bits of a set, 64 a word. */
#define PST_SUIT_COMPONENT_WORDS ((PST_SUIT_COMPONENTS_MAX + 63) / 64)
#define PST_SUIT_PLACE_WORDS ((PST_SUIT_PLACES_MAX + 63) / 64)

_Static_assert(PST_SUIT_COMPONENTS_MAX >= 1 &&
	PST_SUIT_COMPONENTS_MAX <= PST_SUIT_PLACES_MAX &&
	PST_SUIT_PLACES_MAX < 65535,
    "components are places, and places are numbered in 16 bits");
_Static_assert(PST_SUIT_DEPENDENCIES_MAX <= 32,
    "the dependencies of a call are bits of 32");
_Static_assert(
    PST_SUIT_TREE_DEPTH_MAX <= PST_SUIT_WALK_MAX && PST_SUIT_WALK_MAX <= 255,
    "the walk to every manifest fits its record");
_Static_assert(PST_SUIT_DEPTH_MAX < PST_SUIT_FRAMES_MAX &&
	PST_SUIT_TREE_DEPTH_MAX < PST_SUIT_FRAMES_MAX &&
	PST_SUIT_FRAMES_MAX <= 255,
    "a frame for every sequence of one manifest, and for every manifest");
_Static_assert(PST_SUIT_COMMANDS_MAX <= 32767, "commands count in 16 bits");

/* --- switches ---------------------------------------------------------- */

/* draft-ietf-suit-update-management as a whole: use-before, version,
 * minimum-battery, update-authorized, image-not-match, override-multiple,
 * copy-params, set-version, and the three below. */
#ifndef PST_SUIT_WITH_UPDATE_MANAGEMENT
#define PST_SUIT_WITH_UPDATE_MANAGEMENT 1
#endif
#ifndef PST_SUIT_WITH_WAIT /* suit-directive-wait and its parameter */
#define PST_SUIT_WITH_WAIT PST_SUIT_WITH_UPDATE_MANAGEMENT
#endif
#ifndef PST_SUIT_WITH_METADATA /* suit-parameter-component-metadata */
#define PST_SUIT_WITH_METADATA PST_SUIT_WITH_UPDATE_MANAGEMENT
#endif
#ifndef PST_SUIT_WITH_COSWID /* a manifest may have a CoSWID; it is skipped */
#define PST_SUIT_WITH_COSWID PST_SUIT_WITH_UPDATE_MANAGEMENT
#endif
#ifndef PST_SUIT_WITH_SWAP /* suit-directive-swap */
#define PST_SUIT_WITH_SWAP 1
#endif
#ifndef PST_SUIT_WITH_ENCRYPTION /* draft-ietf-suit-firmware-encryption */
#define PST_SUIT_WITH_ENCRYPTION 1
#endif
#ifndef PST_SUIT_WITH_DEPENDENCY_PREFIX /* suit-dependency-prefix */
#define PST_SUIT_WITH_DEPENDENCY_PREFIX 1
#endif

#endif
