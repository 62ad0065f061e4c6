/* SPDX-License-Identifier: MIT */
/* Azure Spring Apps: deployments and their variables. */
#include "internal.h"

/* Whether PATCH merges the variables is not documented: here it replaces them. */
bool arm_spring_check_deployment(arm_call *c, arm_value *deployment, bool created)
{
    const arm_value *asked =
        arm_path(c->body, "properties", "deploymentSettings", "environmentVariables", NULL);
    arm_value *p = arm_need_object(&c->pool, deployment, "properties");
    (void)created;
    if (arm_is(asked, JSON_KIND_OBJECT))
        arm_set(&c->pool, arm_need_object(&c->pool, p, "deploymentSettings"),
                "environmentVariables", arm_clone(&c->pool, asked));
    return true;
}

void arm_spring_restart(arm_call *c)
{
    const arm_value *deployment = arm_need(c);
    if (deployment != NULL && !arm_operation_begin(c, ARM_LRO_ACCEPTED, "", deployment, false))
        c->changed = false;
}
