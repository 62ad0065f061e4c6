/* SPDX-License-Identifier: MIT */
/*
 * Access tokens in the form of attribute 1256 of Microsoft's ODBC driver
 * (SQL_COPT_SS_ACCESS_TOKEN): a 32-bit size and the token as UTF-16LE.
 *
 * The driver keeps the pointer that it is given, and may read it again when it
 * reconnects by itself, long after SQLDriverConnect; a driver manager's pool
 * may keep the connection past SQLDisconnect. Nobody tells us when the last
 * reader is gone, so a block's address stays readable until the process ends.
 * Blocks are interned: one token has one block. After the token's expiry its
 * bytes are gone: the pages are given back to the kernel and read as zeros
 * from then on, so that an old block costs address space only.
 *
 * Any thread.
 */
#ifndef ODBC_GLUE_TOKEN_BLOCK_H
#define ODBC_GLUE_TOKEN_BLOCK_H

#include "base/error.h"

#include <stddef.h>
#include <stdint.h>

/*
 * Lends the token's block, made if need be; wipes blocks that have expired.
 * INVALID for an empty token, one that is not ASCII, or one that has expired.
 */
entrasql_status glue_token_block_intern(const char *token, int64_t expires_on,
                                        const void **ret_block, entrasql_error *err) ES_MUST_USE;
/* Wipes the blocks of tokens that have expired by now. */
void glue_token_block_sweep(void);
/* How many blocks hold a token now. */
size_t glue_token_block_live_count(void);

#endif
