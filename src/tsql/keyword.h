/* SPDX-License-Identifier: MIT */
/*
 * The reserved words of T-SQL: those that cannot be a name without quotes.
 * All other words of the grammar (OFFSET, OUTPUT, MEMBER, ...) are plain words
 * that the parser compares where they have a meaning. PRECISION and PUBLIC are
 * on the documented list, but SQL Server takes them as names.
 */
#ifndef TSQL_KEYWORD_H
#define TSQL_KEYWORD_H

#include "base/compiler.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* In alphabetical order: the lookup is a binary search. */
#define TSQL_KEYWORD_MAP(X)                                                                        \
    X(ADD)                                                                                         \
    X(ALL)                                                                                         \
    X(ALTER)                                                                                       \
    X(AND)                                                                                         \
    X(ANY)                                                                                         \
    X(AS)                                                                                          \
    X(ASC)                                                                                         \
    X(AUTHORIZATION)                                                                               \
    X(BACKUP)                                                                                      \
    X(BEGIN)                                                                                       \
    X(BETWEEN)                                                                                     \
    X(BREAK)                                                                                       \
    X(BROWSE)                                                                                      \
    X(BULK)                                                                                        \
    X(BY)                                                                                          \
    X(CASCADE)                                                                                     \
    X(CASE)                                                                                        \
    X(CHECK)                                                                                       \
    X(CHECKPOINT)                                                                                  \
    X(CLOSE)                                                                                       \
    X(CLUSTERED)                                                                                   \
    X(COALESCE)                                                                                    \
    X(COLLATE)                                                                                     \
    X(COLUMN)                                                                                      \
    X(COMMIT)                                                                                      \
    X(COMPUTE)                                                                                     \
    X(CONSTRAINT)                                                                                  \
    X(CONTAINS)                                                                                    \
    X(CONTAINSTABLE)                                                                               \
    X(CONTINUE)                                                                                    \
    X(CONVERT)                                                                                     \
    X(CREATE)                                                                                      \
    X(CROSS)                                                                                       \
    X(CURRENT)                                                                                     \
    X(CURRENT_DATE)                                                                                \
    X(CURRENT_TIME)                                                                                \
    X(CURRENT_TIMESTAMP)                                                                           \
    X(CURRENT_USER)                                                                                \
    X(CURSOR)                                                                                      \
    X(DATABASE)                                                                                    \
    X(DBCC)                                                                                        \
    X(DEALLOCATE)                                                                                  \
    X(DECLARE)                                                                                     \
    X(DEFAULT)                                                                                     \
    X(DELETE)                                                                                      \
    X(DENY)                                                                                        \
    X(DESC)                                                                                        \
    X(DISTINCT)                                                                                    \
    X(DISTRIBUTED)                                                                                 \
    X(DOUBLE)                                                                                      \
    X(DROP)                                                                                        \
    X(ELSE)                                                                                        \
    X(END)                                                                                         \
    X(ERRLVL)                                                                                      \
    X(ESCAPE)                                                                                      \
    X(EXCEPT)                                                                                      \
    X(EXEC)                                                                                        \
    X(EXECUTE)                                                                                     \
    X(EXISTS)                                                                                      \
    X(EXIT)                                                                                        \
    X(EXTERNAL)                                                                                    \
    X(FETCH)                                                                                       \
    X(FILE)                                                                                        \
    X(FILLFACTOR)                                                                                  \
    X(FOR)                                                                                         \
    X(FOREIGN)                                                                                     \
    X(FREETEXT)                                                                                    \
    X(FREETEXTTABLE)                                                                               \
    X(FROM)                                                                                        \
    X(FULL)                                                                                        \
    X(FUNCTION)                                                                                    \
    X(GOTO)                                                                                        \
    X(GRANT)                                                                                       \
    X(GROUP)                                                                                       \
    X(HAVING)                                                                                      \
    X(HOLDLOCK)                                                                                    \
    X(IDENTITY)                                                                                    \
    X(IDENTITYCOL)                                                                                 \
    X(IDENTITY_INSERT)                                                                             \
    X(IF)                                                                                          \
    X(IN)                                                                                          \
    X(INDEX)                                                                                       \
    X(INNER)                                                                                       \
    X(INSERT)                                                                                      \
    X(INTERSECT)                                                                                   \
    X(INTO)                                                                                        \
    X(IS)                                                                                          \
    X(JOIN)                                                                                        \
    X(KEY)                                                                                         \
    X(KILL)                                                                                        \
    X(LEFT)                                                                                        \
    X(LIKE)                                                                                        \
    X(LINENO)                                                                                      \
    X(MERGE)                                                                                       \
    X(NATIONAL)                                                                                    \
    X(NOCHECK)                                                                                     \
    X(NONCLUSTERED)                                                                                \
    X(NOT)                                                                                         \
    X(NULL)                                                                                        \
    X(NULLIF)                                                                                      \
    X(OF)                                                                                          \
    X(OFF)                                                                                         \
    X(OFFSETS)                                                                                     \
    X(ON)                                                                                          \
    X(OPEN)                                                                                        \
    X(OPENDATASOURCE)                                                                              \
    X(OPENQUERY)                                                                                   \
    X(OPENROWSET)                                                                                  \
    X(OPENXML)                                                                                     \
    X(OPTION)                                                                                      \
    X(OR)                                                                                          \
    X(ORDER)                                                                                       \
    X(OUTER)                                                                                       \
    X(OVER)                                                                                        \
    X(PERCENT)                                                                                     \
    X(PIVOT)                                                                                       \
    X(PLAN)                                                                                        \
    X(PRIMARY)                                                                                     \
    X(PRINT)                                                                                       \
    X(PROC)                                                                                        \
    X(PROCEDURE)                                                                                   \
    X(RAISERROR)                                                                                   \
    X(READ)                                                                                        \
    X(READTEXT)                                                                                    \
    X(RECONFIGURE)                                                                                 \
    X(REFERENCES)                                                                                  \
    X(REPLICATION)                                                                                 \
    X(RESTORE)                                                                                     \
    X(RESTRICT)                                                                                    \
    X(RETURN)                                                                                      \
    X(REVERT)                                                                                      \
    X(REVOKE)                                                                                      \
    X(RIGHT)                                                                                       \
    X(ROLLBACK)                                                                                    \
    X(ROWCOUNT)                                                                                    \
    X(ROWGUIDCOL)                                                                                  \
    X(RULE)                                                                                        \
    X(SAVE)                                                                                        \
    X(SCHEMA)                                                                                      \
    X(SELECT)                                                                                      \
    X(SESSION_USER)                                                                                \
    X(SET)                                                                                         \
    X(SETUSER)                                                                                     \
    X(SHUTDOWN)                                                                                    \
    X(SOME)                                                                                        \
    X(STATISTICS)                                                                                  \
    X(SYSTEM_USER)                                                                                 \
    X(TABLE)                                                                                       \
    X(TABLESAMPLE)                                                                                 \
    X(TEXTSIZE)                                                                                    \
    X(THEN)                                                                                        \
    X(TO)                                                                                          \
    X(TOP)                                                                                         \
    X(TRAN)                                                                                        \
    X(TRANSACTION)                                                                                 \
    X(TRIGGER)                                                                                     \
    X(TRUNCATE)                                                                                    \
    X(TRY_CONVERT)                                                                                 \
    X(TSEQUAL)                                                                                     \
    X(UNION)                                                                                       \
    X(UNIQUE)                                                                                      \
    X(UNPIVOT)                                                                                     \
    X(UPDATE)                                                                                      \
    X(UPDATETEXT)                                                                                  \
    X(USE)                                                                                         \
    X(USER)                                                                                        \
    X(VALUES)                                                                                      \
    X(VARYING)                                                                                     \
    X(VIEW)                                                                                        \
    X(WAITFOR)                                                                                     \
    X(WHEN)                                                                                        \
    X(WHERE)                                                                                       \
    X(WHILE)                                                                                       \
    X(WITH)                                                                                        \
    X(WRITETEXT)

typedef enum tsql_keyword {
    TSQL_KW_NONE,
#define TSQL_KEYWORD_ENUM(name) TSQL_KW_##name,
    TSQL_KEYWORD_MAP(TSQL_KEYWORD_ENUM)
#undef TSQL_KEYWORD_ENUM
        TSQL_KW_COUNT
} tsql_keyword;

/* ASCII case ignored; TSQL_KW_NONE when the word is not reserved. Any thread. */
tsql_keyword tsql_keyword_find(const char *word, size_t n);
/* Upper case; static storage. "" for TSQL_KW_NONE. */
const char *tsql_keyword_name(tsql_keyword keyword);

#endif
