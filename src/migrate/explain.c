/* SPDX-License-Identifier: MIT */
#include "migrate/explain.h"

#include "base/compiler.h"

#include <stddef.h>

static const struct {
    uint32_t number;
    bool settles;
    const char *next;
} table[] = {
    {33130, true,
     "Entra knows no such principal, or not yet: a new identity takes a minute or two. Use the UPN "
     "of "
     "a person, the display name of a group, app or identity; or tell it by id (--app-id, "
     "--user-id, "
     "--group-id), which asks nobody."},
    {33131, false,
     "Several principals have this display name: tell which with --with-object-id, or by id with "
     "--app-id, --user-id or --group-id."},
    {33132, false,
     "Azure SQL takes people, security groups, apps and managed identities. Put the principal into "
     "a "
     "group and make a user for that."},
    {33134, false,
     "The server asks Microsoft Graph as itself when an app or identity makes users: it needs an "
     "identity with the role Directory Readers. By id nobody is asked: --app-id, --user-id or "
     "--group-id."},
    {33159, false,
     "Sign in with an Entra account that may create users (the Entra admin, db_owner or "
     "db_accessadmin), not with a SQL login; or tell the principal by id."},
    {33162, false, "SID and TYPE go together: WITH SID = 0x..., TYPE = E (X for a group)."},
    {33163, false, "TYPE is E for people, apps and identities, X for groups."},
    {33168, false, "SID and TYPE do not go with FROM EXTERNAL PROVIDER, LOGIN or PASSWORD."},
    {33169, false, "Entra principals have no backslash in their user name: choose another one."},
    {33170, false, "SID and TYPE do not go with FROM EXTERNAL PROVIDER, LOGIN or PASSWORD."},
    {33171, false, "Sign in with an Entra account to act as an Entra user (EXECUTE AS)."},
    {37545, false,
     "The object id is not that of a principal of this name (for an app it is the enterprise "
     "application's, not the registration's), or it may not be read. --app-id needs no look-up."},
    {15007, false, "There is no such login: Entra users need none, FROM EXTERNAL PROVIDER."},
    {15023, false,
     "Somebody made it at the same moment, or the name is taken: entrasql user list shows by "
     "whom."},
    {15063, false, "The principal has a user of another name: entrasql user list shows it."},
    {15138, false,
     "It owns a schema: ALTER AUTHORIZATION ON SCHEMA::[name] TO [dbo] gives it to somebody else."},
    {15151, false,
     "It does not exist, or you may not change it: ALTER ANY USER and ALTER ANY ROLE are needed "
     "(db_accessadmin, db_securityadmin; fixed roles: db_owner or the Entra admin)."},
    {15247, false,
     "Making users takes ALTER ANY USER: the Entra admin, db_owner or db_accessadmin."},
    {15410, false, "No such user or role in this database: entrasql user list shows the users."},
    {2760, false, "The schema does not exist, or you have no right on it."},
    {4613, false, "To grant on a schema one has to own it or be db_owner, or the Entra admin."},
    {262, false,
     "A database owner (db_owner) or the Entra admin can do this, or give you the right."},
    {229, false, "A database owner (db_owner) or the Entra admin can give you the right."},
    {18456, true,
     "The token is fine, but no user of this database has its id. The Entra admin makes one: "
     "entrasql user add NAME --app-id ID. A new admin or user may take some minutes. A user made "
     "for "
     "an identity that was deleted and made again: entrasql user repair."},
    {4060, true,
     "The database does not exist on this server, or this principal has no user in it: check -d."},
    {40615, true,
     "The server's firewall does not know this address: `entrasql migrate` adds a rule for the "
     "time "
     "that it works; or add one in the portal (Networking). It can take five minutes."},
    {40914, false,
     "The server admits some virtual networks only: run this from one of them, or add a rule."},
    {47073, false,
     "Public access is off: run this from inside the virtual network (private endpoint)."},
    {42101, false,
     "Public access is off: run this from inside the virtual network (private endpoint)."},
    {40531, false,
     "The server's name did not reach Azure: use the full name.database.windows.net."},
    {40532, false,
     "The server's name did not reach Azure: use the full name.database.windows.net."},
    {47072, false, "The server wants a newer TLS version than was offered."},
    {40197, true, "Azure moved the database; try again in a moment."},
    {40501, true, "The service is busy; try again in ten seconds."},
    {40613, true, "The database is starting (serverless) or moving; try again in a minute."},
    {49918, true, "Azure has no resources for the request just now; try again in a minute."},
    {49919, true, "Too many create or update operations are running; try again in a minute."},
    {49920, true, "Too many operations are running in the subscription; try again in a minute."},
    {10928, true, "The database's limit of sessions or workers is reached; try again in a moment."},
    {10929, true, "The server is busy; try again in a moment."},
};

const char *migrate_explain_number(uint32_t number)
{
    for (size_t i = 0; i < ES_COUNT_OF(table); i++) {
        if (table[i].number == number)
            return table[i].next;
    }
    return NULL;
}

void migrate_explain_sql(entrasql_error *err)
{
    bool is_sql = err->status == ENTRASQL_SQL_ERROR || err->status == ENTRASQL_LOGIN_FAILED;
    const char *next = is_sql ? migrate_explain_number(err->number) : NULL;
    if (next != NULL)
        es_hint(err, "%s", next);
}

bool migrate_is_settling(const entrasql_error *err)
{
    if (err->status != ENTRASQL_SQL_ERROR && err->status != ENTRASQL_LOGIN_FAILED)
        return entrasql_status_class(err->status) == ENTRASQL_CLASS_NETWORK ||
               entrasql_status_class(err->status) == ENTRASQL_CLASS_RETRY;
    for (size_t i = 0; i < ES_COUNT_OF(table); i++) {
        if (table[i].number == err->number)
            return table[i].settles;
    }
    return false;
}
