#include "bench.h"
void
bench_tam(void)
{
}
void
bench_sessions(void)
{
}
