/*
 * In place of core/names.c: a device that is short of memory gives numbers,
 * and phrases for people stay with the inspector.
 */
#include <postern/base.h>

const char *
pst_err_name(enum pst_err err)
{
	(void)err;
	return "";
}
