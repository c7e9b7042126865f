/*
 * A program that calls every entry point of the agent, for measuring what the
 * linker must keep. It is linked, never run: the ports are empty tables and
 * what is passed is read through volatile pointers, so that nothing can be
 * computed beforehand.
 */
#include <postern/agent_state.h>

static struct pst_agent agent;

/* Their sizes are read from the symbol table. */
struct pst_suit_run context_suit_run;
struct pst_suit_manifest context_suit_manifest;
struct pst_teep_message context_teep_message;
struct pst_cose_message context_cose_message;

const struct pst_agent_config *volatile config;
const struct pst_agent_ports *volatile ports;
const struct pst_agent_memory *volatile memory;
struct pst_eat_attester *volatile eat;
struct pst_attester *volatile attester;
volatile struct pst_bytes in;
uint8_t *volatile out;
volatile size_t cursor;
volatile uint32_t tam;

static struct pst_bytes
input(void)
{
	struct pst_bytes b = { in.ptr, in.len };

	return b;
}

/* What a host does with one request from outside; all of it is reachable. */
int entry(int what);

int
entry(int what)
{
	struct pst_agent_component c;
	struct pst_agent_out o;
	struct pst_bytes format;
	size_t n = cursor;

	switch (what) {
	case 0:
		pst_eat_attester_init(attester, eat);
		return pst_agent_open(&agent, config, ports, memory);
	case 1:
		pst_agent_close(&agent);
		return 0;
	case 2:
		return pst_agent_request_ta(&agent, input(), input(), &o);
	case 3:
		return pst_agent_unrequest_ta(&agent, input(), &o);
	case 4:
		return pst_agent_policy_check(&agent, n != 0, &o);
	case 5:
		return pst_agent_message(&agent, tam, input(), &o);
	case 6:
		return pst_agent_resume(
		    &agent, tam, PST_OK, input(), n != 0, &o);
	case 7:
		return pst_agent_error(&agent, tam);
	case 8:
		return pst_agent_component(&agent, input(), &c);
	case 9:
		return pst_agent_component_next(&agent, &n, &c);
	default:
		return pst_agent_result(&agent, tam, out, n, &n, &format);
	}
}
