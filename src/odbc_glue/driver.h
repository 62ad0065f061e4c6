/* SPDX-License-Identifier: MIT */
/*
 * Which driver a connection string will load, found out before it is loaded,
 * by asking the installer's files (odbcinst.ini, odbc.ini) as the driver
 * manager does.
 *
 * A token put into attribute 1256 of a driver that does not know it is
 * dropped without a word (FreeTDS), so the kind must be known for sure.
 */
#ifndef ODBC_GLUE_DRIVER_H
#define ODBC_GLUE_DRIVER_H

#include "conf/connstr.h"

typedef enum glue_driver_kind {
    GLUE_DRIVER_MICROSOFT, /* takes a token in attribute 1256 */
    GLUE_DRIVER_FREETDS,   /* tdsodbc: through the tunnel */
    GLUE_DRIVER_OTHER      /* through the tunnel, in the words that most drivers know */
} glue_driver_kind;

typedef struct glue_driver {
    glue_driver_kind kind;
    char *name;    /* as in Driver= or in the data source; owned */
    char *library; /* its file; owned; NULL when the installer does not know the name */
} glue_driver;

/*
 * The driver of the string. CONFIG when the string names none, when the data
 * source has none, or when the driver is neither registered nor a file.
 */
entrasql_status glue_driver_find(const conf_connstr *c, glue_driver *ret,
                                 entrasql_error *err) ES_MUST_USE;
void glue_driver_done(glue_driver *d);

/*
 * Debian registers libraries without their folder: one that lies where packages put drivers gets
 * its path, as the driver manager finds it. Others stay as they are. NOMEM.
 */
entrasql_status glue_driver_complete(glue_driver *d, entrasql_error *err) ES_MUST_USE;

/* The kind by the driver's name and its library's file; library may be NULL. */
glue_driver_kind glue_driver_kind_of(const char *name, const char *library);

/*
 * Adds what the file of FILEDSN= and the data source of DSN= say and the string
 * does not; the string comes first, then the file, as with the driver manager.
 * Nothing to do without the two. CONFIG when the file cannot be read.
 */
entrasql_status glue_dsn_merge(conf_connstr *c, entrasql_error *err) ES_MUST_USE;

/* The keyword, and the key in odbcinst.ini, that choose the driver underneath ours. */
#define GLUE_KEYWORD_UNDERLYING "UnderlyingDriver"
#define GLUE_ENV_UNDERLYING "ENTRASQL_ODBC_DRIVER"
/* The name under which our own driver is registered, and its file. */
#define GLUE_OWN_DRIVER "entrasql"
#define GLUE_OWN_LIBRARY "libentrasqlodbc.so"

typedef enum glue_choice {
    GLUE_CHOICE_KEYWORD,     /* UnderlyingDriver= of the string or the data source */
    GLUE_CHOICE_ENVIRONMENT, /* ENTRASQL_ODBC_DRIVER */
    GLUE_CHOICE_SETTING,     /* UnderlyingDriver in our section of odbcinst.ini */
    GLUE_CHOICE_DETECTION    /* the newest of Microsoft's that is registered, else FreeTDS's */
} glue_choice;

/* What made the choice, for people: "the connection string". */
const char *glue_choice_text(glue_choice choice);

/*
 * The driver that does the work when a string names ours. ret->library is a
 * path where the file was found, else a name for dlopen(). CONFIG when there
 * is none, or when the choice leads back to our own.
 */
entrasql_status glue_underneath_find(const conf_connstr *c, glue_driver *ret,
                                     glue_choice *ret_choice, entrasql_error *err) ES_MUST_USE;

/* One value of an installer file ("odbc.ini", "odbcinst.ini"), "" when absent. */
#define GLUE_INI_VALUE_SIZE 1024
void glue_ini_read(const char *section, const char *key, const char *file,
                   char ret[GLUE_INI_VALUE_SIZE]);

/*
 * The sections of an installer file: data sources or drivers, "a, b", as far as they fit; "" when
 * there are none. visit (may be NULL) gets each of them. And where unixODBC looks for the file, for
 * people: "~/.odbc.ini and /etc/odbc.ini".
 */
typedef void glue_section(void *ctx, const char *section);
void glue_ini_sections(const char *file, char *ret, size_t size, glue_section *visit, void *ctx);
void glue_ini_places(const char *file, char *ret, size_t size);
/* Whether the section is the installer's own, as [ODBC]. */
bool glue_ini_is_reserved(const char *section);

/*
 * True when the driver manager would keep this driver's connections in a pool.
 * *ret_setting names the setting. Static storage.
 */
bool glue_driver_is_pooled(const glue_driver *d, const char **ret_setting);

#endif
