/*
 * How the broker talks to the agent: commands of one Trusted Application,
 * reached through the TEE Client API. The same on every TEE.
 *
 * Every command has these parameters:
 *   0  value in    a: session (a TAM's number), b: flags of the command
 *   1  memref in   what the command is about
 *   2  memref in   a TAM URI, UTF-8, for REQUEST_TA only; else none
 *   3  memref out  the reply: CBOR, PST_AGENT_TA_REPLY_MAX bytes always fit;
 *                  a smaller buffer is refused before anything is done
 *
 * The reply is an array: [what, session, uri (tstr), message (bstr),
 * offset (uint), reason (uint, enum pst_err)], with what as enum pst_agent_do.
 *
 * Results that mean more than success: TEEC_ERROR_BUSY when another client
 * fetches a payload for the agent, another Update is under way or a limit on
 * repeats is reached; TEEC_ERROR_BAD_PARAMETERS for a component that is no
 * identifier; TEEC_ERROR_ITEM_NOT_FOUND for a TAM that is not known;
 * TEEC_ERROR_EXCESS_DATA for a message or chunk over its limit;
 * TEEC_ERROR_BAD_STATE for a chunk that nobody asked for. Opening a session
 * needs to be root or the TEE's own user, or the configured broker's: others
 * get TEEC_ERROR_ACCESS_DENIED.
 *
 * A client that closes its session, or ends, while it fetches a payload leaves
 * the transfer behind: the next policy check continues it, and the next
 * message of a TAM that it is in the way of ends it.
 */
#ifndef POSTERN_AGENT_TA_H
#define POSTERN_AGENT_TA_H

#include <postern/agent.h>

/* 6a0cf1b5-38f6-4d8b-8a3b-6d6f0f6e7e01 */
#define PST_AGENT_TA_UUID \
	{ \
		0x6a0cf1b5, 0x38f6, 0x4d8b, \
		{ \
			0x8a, 0x3b, 0x6d, 0x6f, 0x0f, 0x6e, 0x7e, 0x01 \
		} \
	}

/* Where a TEE's socket is when neither an option nor POSTERN_TEE_SOCKET says
 * so. */
#define PST_TEE_SOCKET "/run/postern/tee.sock"

enum pst_agent_ta_command {
	PST_AGENT_TA_REQUEST_TA = 1,   /* 1: encoded component identifier */
	PST_AGENT_TA_UNREQUEST_TA = 2, /* 1: encoded component identifier */
	PST_AGENT_TA_MESSAGE = 3,      /* 1: a TEEP message */
	PST_AGENT_TA_POLICY_CHECK = 4, /* flag 1: every TAM is due */
	PST_AGENT_TA_ERROR = 5,	       /* the TAM could not be reached */
	PST_AGENT_TA_CHUNK = 6,	       /* 1: payload; flags below */
	/*
	 * What is installed: an array of [component identifier (an array of
	 * bstr), sequence number, bytes, SUIT_Digest]
	 */
	PST_AGENT_TA_LIST = 7,
	/*
	 * Processes of TAs: an array of [UUID (bstr, 16), sequence number of
	 * the manifest that it was installed by, process id, sessions,
	 * whether it is in a call (bool)]
	 */
	PST_AGENT_TA_STATUS = 8,
	/*
	 * Public keys that content may be encrypted to for this device: an
	 * array of COSE_Key, whose kid is the key's thumbprint. The first is
	 * the device's own.
	 */
	PST_AGENT_TA_KEYS = 9
};

#define PST_AGENT_TA_FORCE 1u  /* POLICY_CHECK */
#define PST_AGENT_TA_LAST 1u   /* CHUNK: the payload ends here */
#define PST_AGENT_TA_FAILED 2u /* CHUNK: the payload could not be had */
#define PST_AGENT_TA_CHUNK_MAX 65536

#define PST_AGENT_TA_REPLY_MAX (PST_MESSAGE_MAX + 1024)

#endif
