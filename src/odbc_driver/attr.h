/* SPDX-License-Identifier: MIT */
/* Which attributes of a connection are text. */
#ifndef ODBC_DRIVER_ATTR_H
#define ODBC_DRIVER_ATTR_H

#include <sql.h>
#include <sqlext.h>
#include <stdbool.h>

bool drv_attr_is_text(SQLINTEGER id);

#endif
