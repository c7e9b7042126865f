/*
 * A TAM in a folder and devices that talk to it: real agents over memory, so
 * that what is measured of the TAM is the TAM.
 */
#ifndef POSTERN_BENCH_FLEET_H
#define POSTERN_BENCH_FLEET_H

#include <mem.h>
#include <postern/agent_state.h>

struct fleet_device {
	struct pst_mem_store store;
	struct pst_eat_attester eat;
	struct pst_signer key;
	struct pst_pubkey pub;
	struct pst_pubkey attestation;
	uint8_t ueid[17];
};

struct fleet {
	char dir[64]; /* the TAM's state */
	struct fleet_device *devices;
	size_t count;
	struct pst_agent_tam tam;
	struct pst_agent_signer signer;
};

/**
 * Make a state folder with count devices enrolled and one manifest published
 * and assigned to all, and the devices. Ends the program on failure.
 */
void fleet_init(struct fleet *f, size_t count);
void fleet_wipe(struct fleet *f);

/** One agent at work; big, and its own memory. */
struct fleet_agent {
	struct pst_agent agent;
	struct pst_agent_config config;
	struct pst_store store;
	struct pst_clock clock;
	struct pst_attester attester;
	struct pst_mem_clock time;
	uint8_t registry[8192], staged[8192];
	uint8_t message[16384], out[8192], report[4096], work[512];
	struct pst_suit_param params[64];
};

/** Open device i's agent. */
void fleet_agent_open(struct fleet_agent *a, const struct fleet *f, size_t i);

#endif
