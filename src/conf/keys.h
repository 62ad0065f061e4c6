/* SPDX-License-Identifier: MIT */
/* The table of settings: what each form calls them and how it writes their values. */
#ifndef CONF_KEYS_H
#define CONF_KEYS_H

#include "conf/login.h"

/* False: that form has no word for it (which SQLAlchemy never has of its own). */
const char *conf_key_word(conf_key key, conf_form words);
/* The setting that a keyword names, or CONF_KEY_COUNT. */
unsigned conf_key_find(const char *keyword, conf_form words);
/* The value of a form in our spelling. CONFIG when it is not understood. */
entrasql_status conf_value_read(conf_key key, conf_form words, const char *keyword,
                                const char *value, char **ret, entrasql_error *err) ES_MUST_USE;
/* Our spelling in that of a form; *ret NULL: the form cannot say it. */
entrasql_status conf_value_write(conf_key key, conf_form words, const char *value,
                                 char **ret) ES_MUST_USE;
/* True for Authentication= of an identity, whose user is a client id. */
bool conf_is_identity(const char *authentication);

#endif
