/* The files of this program and what they add up to. */
#ifndef AGENT_CASES_H
#define AGENT_CASES_H

extern int agent_cases, agent_failures;

void mem_cases(void);
void registry_cases(void);
void update_cases(void);
void fault_cases(void);
void query_cases(void);
void evidence_cases(void);
void passport_cases(void);
void request_cases(void);
void limit_cases(void);
void report_cases(void);
void key_cases(void);
void tree_cases(void);

#endif
