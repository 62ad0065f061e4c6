/* SPDX-License-Identifier: MIT */
/* Link: the ODBC driver that the string names. */
#include "doctor/inner.h"

#include "base/str.h"
#include "odbc_glue/load.h"

#include <string.h>

/* Ways to sign in that Microsoft's driver on Linux does not have. */
static bool is_lacking(const char *authentication)
{
    static const char *const modes[] = {"default", "workload-identity", "azure-cli", "device-code"};
    for (size_t i = 0; i < ES_COUNT_OF(modes); i++) {
        if (es_streq(modes[i], authentication))
            return true;
    }
    return false;
}

static bool is_ours(const glue_driver *driver)
{
    return es_strcaseeq(driver->name, GLUE_OWN_DRIVER) ||
           (driver->library != NULL && strstr(driver->library, GLUE_OWN_LIBRARY) != NULL);
}

bool doctor_driver_is_ours(const doctor *d)
{
    ES_CLEANUP(glue_driver_done) glue_driver driver = {0};
    if (glue_driver_find(&d->list, &driver, NULL) == ENTRASQL_OK)
        return is_ours(&driver);
    return d->target.driver != NULL && es_strcaseeq(d->target.driver, GLUE_OWN_DRIVER);
}

static bool loads(doctor *d, const glue_driver *driver)
{
    if (driver->library == NULL)
        return true;
    const char *why = NULL;
    d->library = glue_load(driver->library, &why);
    if (d->library != NULL)
        return true;
    doctor_line *line = doctor_add(d, "driver", DOCTOR_FAIL, "driver-not-loading",
                                   "%s cannot be loaded", driver->name);
    doctor_evidence(line, "%s", why);
    return false;
}

static bool check_way(doctor *d, const glue_driver *driver)
{
    const char *authentication = conf_login_get(&d->login, CONF_KEY_AUTHENTICATION);
    if (is_ours(driver) || !d->by_token)
        return true;
    if (driver->kind == GLUE_DRIVER_FREETDS) {
        (void)doctor_add(d, "driver", DOCTOR_WARN, "freetds-alone", "%s sends no token by itself",
                         driver->name);
        return false;
    }
    if (driver->kind == GLUE_DRIVER_MICROSOFT && is_lacking(authentication)) {
        doctor_line *line =
            doctor_add(d, "driver", DOCTOR_FAIL, "driver-lacks-mode",
                       "%s does not know the string's Authentication", driver->name);
        doctor_evidence(line, "Authentication=%s",
                        conf_connstr_get(&d->list, "Authentication") != NULL
                            ? conf_connstr_get(&d->list, "Authentication")
                            : authentication);
        return false;
    }
    return true;
}

static bool check_pooling(doctor *d, const glue_driver *driver)
{
    const char *setting = NULL;
    if (is_ours(driver) || !d->by_token || !glue_driver_is_pooled(driver, &setting))
        return true;
    doctor_line *line = doctor_add(d, "driver", DOCTOR_WARN, "driver-pooling",
                                   "the driver manager pools connections of %s", driver->name);
    doctor_evidence(line, "%s", setting != NULL ? setting : "");
    return false;
}

static void say_none(doctor *d)
{
    char names[300];
    char keyword[60];
    if (doctor_driver_misspelt(d, keyword, sizeof keyword)[0] != '\0') {
        doctor_line *line = doctor_add(d, "driver", DOCTOR_FAIL, "driver-unnamed",
                                       "%s= names no driver for the driver manager", keyword);
        doctor_fix(line, "Write Driver= in place of %s=.", keyword);
        return;
    }
    glue_ini_sections("odbcinst.ini", names, sizeof names, NULL, NULL);
    (void)doctor_add(d, "driver", DOCTOR_NONE, NULL, "the string names no ODBC driver (%s%s)",
                     names[0] != '\0' ? "registered: " : "none is registered", names);
}

/* What does the work for entrasql's driver, chosen as the driver itself and odbc status do. */
static bool check_underneath(doctor *d, const glue_driver *ours)
{
    ES_CLEANUP(glue_driver_done) glue_driver driver = {0};
    entrasql_error err;
    glue_choice choice = GLUE_CHOICE_DETECTION;
    if (glue_underneath_find(&d->list, &driver, &choice, &err) == ENTRASQL_OK)
        return loads(d, &driver);
    doctor_line *line = doctor_add(d, "driver", DOCTOR_FAIL, "driver-missing",
                                   "%s has no driver underneath: %s", ours->name, err.message);
    doctor_evidence(line, "chosen by %s", glue_choice_text(choice));
    if (choice == GLUE_CHOICE_DETECTION)
        doctor_fix(line, "%s.", err.hint);
    else
        doctor_fix(line,
                   "Let %s name a driver that is there (odbcinst -q -d), or nothing: entrasql "
                   "finds one then. entrasql odbc status says which it is.",
                   glue_choice_text(choice));
    return false;
}

void doctor_driver(doctor *d)
{
    glue_driver driver = {0};
    entrasql_error err;
    if (d->target.driver == NULL && d->target.dsn == NULL) {
        say_none(d);
        return;
    }
    if (glue_driver_find(&d->list, &driver, &err) != ENTRASQL_OK ||
        glue_driver_complete(&driver, &err) != ENTRASQL_OK) {
        doctor_line *line =
            doctor_add(d, "driver", DOCTOR_FAIL, "driver-missing", "%s is not installed",
                       d->target.driver != NULL ? d->target.driver : d->target.dsn);
        doctor_drivers_there(d->target.driver != NULL ? d->target.driver : "", line, err.message);
        return;
    }
    bool good = check_way(d, &driver);
    good = loads(d, &driver) && good;
    good = (!is_ours(&driver) || check_underneath(d, &driver)) && good;
    good = check_pooling(d, &driver) && good;
    if (!is_ours(&driver)) {
        good = doctor_server_prefix(d, driver.name, driver.kind) && good;
        good = doctor_ignored_keywords(d, driver.name, driver.kind) && good;
    }
    if (good) {
        doctor_line *line = doctor_add(d, "driver", DOCTOR_OK, NULL, "%s", driver.name);
        doctor_evidence(line, "%s", driver.library != NULL ? driver.library : "");
    }
    glue_driver_done(&driver);
}
