/* The parts of this test program. */
#ifndef BROKER_CASES_H
#define BROKER_CASES_H
void http_cases(void);
void peer_cases(void);
void session_cases(void);
void serve_cases(void);
extern int broker_cases, broker_failures;
#endif
