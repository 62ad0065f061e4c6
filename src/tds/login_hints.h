/* SPDX-License-Identifier: MIT */
/* What to do about a login error of SQL Server or Azure SQL: one hint for each known cause. */
#ifndef TDS_LOGIN_HINTS_H
#define TDS_LOGIN_HINTS_H

#include "base/error.h"

/* Sets err->hint by number and text; leaves it alone when the cause is not known. */
void tds_login_hint(entrasql_error *err);

#endif
