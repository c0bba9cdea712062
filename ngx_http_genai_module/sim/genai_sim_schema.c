/*
 * SPDX-License-Identifier: Apache-2.0
 *
 * Makes up a minimal valid instance of a JSON schema: the first of what is
 * allowed, the required members only, nothing longer than it has to be.
 *
 * A schema may contain itself.  If it has an instance at all, it has one in
 * which no schema is within itself, so what is within itself fails, and the
 * next alternative is tried.
 *
 * A schema is a stranger's text and may ask for anything: depth and the
 * number of values are bounded, so are the lengths of strings.
 */


#include "genai_sim_request.h"

#include <jansson.h>
#include <stdlib.h>


#define GENAI_SIM_SCHEMA_DEPTH   32
#define GENAI_SIM_SCHEMA_VALUES  4096
#define GENAI_SIM_SCHEMA_STRING  65536


typedef struct {
    json_t    *root;
    json_t    *path[GENAI_SIM_SCHEMA_DEPTH];
    unsigned   depth;
    unsigned   values;
} genai_sim_schema_t;


static int genai_sim_schema_wants_call(genai_sim_request_t *req);
static int genai_sim_schema_call(genai_sim_request_t *req);
static int genai_sim_schema_format(genai_sim_request_t *req);
static json_t *genai_sim_schema_load(const genai_sim_json_member_t *m);
static char *genai_sim_schema_make(json_t *schema);
static json_t *genai_sim_schema_value(genai_sim_schema_t *s, json_t *schema);
static json_t *genai_sim_schema_composed(genai_sim_schema_t *s,
    json_t *schema);
static json_t *genai_sim_schema_object(genai_sim_schema_t *s, json_t *schema);
static json_t *genai_sim_schema_array(genai_sim_schema_t *s, json_t *schema);
static json_t *genai_sim_schema_string(json_t *schema);
static json_t *genai_sim_schema_number(json_t *schema, int integer);
static const char *genai_sim_schema_type(json_t *schema);
static json_t *genai_sim_schema_ref(genai_sim_schema_t *s, const char *ref);
static json_t *genai_sim_schema_merge(genai_sim_schema_t *s, json_t *schema);


static inline int
genai_sim_schema_bad(genai_sim_request_t *req, const char *error,
    const char *param)
{
    req->error = error;
    req->param = param;

    return -1;
}


int
genai_sim_request_schema(genai_sim_request_t *req)
{
    if (req->tools.type == GENAI_SIM_JSON_ARRAY
        && genai_sim_schema_wants_call(req))
    {
        if (genai_sim_schema_call(req) == -1) {
            return -1;
        }

        if (req->call) {
            return 0;
        }
    }

    if (req->format.type == GENAI_SIM_JSON_OBJECT) {
        return genai_sim_schema_format(req);
    }

    return 0;
}


/* what a tool has said is answered in words: a loop of calls must end */

static int
genai_sim_schema_wants_call(genai_sim_request_t *req)
{
    int                      tool;
    genai_sim_json_t         messages, j;
    genai_sim_json_member_t  message, m;

    if (req->tool_choice.type == GENAI_SIM_JSON_STRING
        && genai_str_is(&req->tool_choice.value, "none"))
    {
        return 0;
    }

    tool = 0;

    (void) genai_sim_json_enter(&messages, &req->input);

    while (genai_sim_json_next(&messages, &message) == 1) {

        tool = 0;

        if (genai_sim_json_enter(&j, &message) == -1) {
            continue;
        }

        while (genai_sim_json_next(&j, &m) == 1) {
            if (genai_sim_json_key_is(&m, "role", 4) == 1) {
                tool = (m.type == GENAI_SIM_JSON_STRING
                        && genai_str_is(&m.value, "tool"));
            }
        }
    }

    return !tool;
}


static int
genai_sim_schema_call(genai_sim_request_t *req)
{
    int          rc;
    char        *p;
    size_t       i, len;
    json_t      *tools, *choice, *tool, *function;
    const char  *forced, *name;

    tools = genai_sim_schema_load(&req->tools);
    choice = genai_sim_schema_load(&req->tool_choice);

    rc = -1;

    if (tools == NULL) {
        (void) genai_sim_schema_bad(req, "the tools cannot be read", "tools");
        goto done;
    }

    if (json_array_size(tools) == 0) {
        rc = 0;
        goto done;
    }

    forced = json_string_value(json_object_get(
                                json_object_get(choice, "function"), "name"));
    name = NULL;
    function = NULL;

    json_array_foreach(tools, i, tool) {

        function = json_object_get(tool, "function");
        name = json_string_value(json_object_get(function, "name"));

        if (name == NULL) {
            (void) genai_sim_schema_bad(req, "a tool must be a function with "
                                        "a name", "tools");
            goto done;
        }

        if (forced == NULL || strcmp(forced, name) == 0) {
            break;
        }

        name = NULL;
    }

    if (name == NULL) {
        (void) genai_sim_schema_bad(req, "the chosen tool is not among the "
                                    "tools", "tool_choice");
        goto done;
    }

    len = strlen(name);

    if (len == 0 || len > GENAI_SIM_NAME) {
        (void) genai_sim_schema_bad(req, "a function's name has a bad length",
                                    "tools");
        goto done;
    }

    req->function = malloc(len * 6 + 1);

    if (req->function == NULL) {
        (void) genai_sim_schema_bad(req, "out of memory", "tools");
        goto done;
    }

    p = (char *) genai_sim_json_escape((unsigned char *) req->function,
                                   (const unsigned char *) name, len);
    *p = '\0';

    if ((size_t) (p - req->function) > GENAI_SIM_NAME) {
        (void) genai_sim_schema_bad(req, "a function's name has a bad length",
                                    "tools");
        goto done;
    }

    req->text = genai_sim_schema_make(json_object_get(function, "parameters"));

    if (req->text == NULL) {
        (void) genai_sim_schema_bad(req, "the parameters have no instance "
                                    "that can be made up", "tools");
        goto done;
    }

    req->call = 1;
    rc = 0;

done:

    json_decref(tools);
    json_decref(choice);

    return rc;
}


static int
genai_sim_schema_format(genai_sim_request_t *req)
{
    int          rc;
    json_t      *format, *schema;
    const char  *type;

    rc = -1;

    format = genai_sim_schema_load(&req->format);
    type = json_string_value(json_object_get(format, "type"));

    if (type == NULL) {
        (void) genai_sim_schema_bad(req, "a response format must have a type",
                                    "response_format");
        goto done;
    }

    if (strcmp(type, "json_schema") == 0) {

        schema = json_object_get(json_object_get(format, "json_schema"),
                                 "schema");

        if (!json_is_object(schema)) {
            (void) genai_sim_schema_bad(req, "the schema must be an object",
                                        "response_format");
            goto done;
        }

        req->text = genai_sim_schema_make(schema);

    } else if (strcmp(type, "json_object") == 0) {
        req->text = strdup("{}");

    } else {
        rc = (strcmp(type, "text") == 0)
             ? 0
             : genai_sim_schema_bad(req, "there is no such response format",
                                    "response_format");
        goto done;
    }

    if (req->text == NULL) {
        (void) genai_sim_schema_bad(req, "the schema has no instance that can "
                                    "be made up", "response_format");
        goto done;
    }

    rc = 0;

done:

    json_decref(format);

    return rc;
}


static json_t *
genai_sim_schema_load(const genai_sim_json_member_t *m)
{
    if (m->type != GENAI_SIM_JSON_OBJECT && m->type != GENAI_SIM_JSON_ARRAY) {
        return NULL;
    }

    return json_loadb((const char *) m->value.data, m->value.len,
                      JSON_ALLOW_NUL, NULL);
}


/* returns malloc'd text */

static char *
genai_sim_schema_make(json_t *schema)
{
    char                *text;
    json_t              *value;
    genai_sim_schema_t   s;

    s.root = schema;
    s.depth = 0;
    s.values = 0;

    value = json_is_object(schema) ? genai_sim_schema_value(&s, schema)
                                   : json_object();

    if (value == NULL) {
        return NULL;
    }

    text = json_dumps(value, JSON_COMPACT|JSON_ENCODE_ANY);

    json_decref(value);

    return text;
}


/* returns a new reference, or NULL where there is no instance */

static json_t *
genai_sim_schema_value(genai_sim_schema_t *s, json_t *schema)
{
    json_t    *value;
    unsigned   i;

    if (s->depth == GENAI_SIM_SCHEMA_DEPTH
        || s->values == GENAI_SIM_SCHEMA_VALUES)
    {
        return NULL;
    }

    s->values++;

    /* a schema may be true, or not there; false allows nothing */

    if (!json_is_object(schema)) {
        return json_is_false(schema) ? NULL : json_object();
    }

    value = json_object_get(schema, "const");

    if (value == NULL) {
        value = json_array_get(json_object_get(schema, "enum"), 0);
    }

    if (value) {
        return json_deep_copy(value);
    }

    for (i = 0; i < s->depth; i++) {
        if (s->path[i] == schema) {
            return NULL;
        }
    }

    s->path[s->depth++] = schema;

    value = genai_sim_schema_composed(s, schema);

    s->depth--;

    return value;
}


static json_t *
genai_sim_schema_composed(genai_sim_schema_t *s, json_t *schema)
{
    size_t       i;
    json_t      *value, *choices, *choice, *merged;
    const char  *type, *ref;

    ref = json_string_value(json_object_get(schema, "$ref"));

    if (ref) {
        choice = genai_sim_schema_ref(s, ref);
        return choice ? genai_sim_schema_value(s, choice) : NULL;
    }

    if (json_array_size(json_object_get(schema, "allOf"))) {

        merged = genai_sim_schema_merge(s, schema);
        value = merged ? genai_sim_schema_value(s, merged) : NULL;
        json_decref(merged);

        return value;
    }

    type = genai_sim_schema_type(schema);
    choices = json_object_get(schema, "anyOf");

    if (json_array_size(choices) == 0) {
        choices = json_object_get(schema, "oneOf");
    }

    /* beside properties of its own, a choice only restricts them */

    if (json_array_size(choices)
        && (type == NULL || json_object_get(schema, "properties") == NULL))
    {
        json_array_foreach(choices, i, choice) {

            value = genai_sim_schema_value(s, choice);

            if (value) {
                return value;
            }
        }

        return NULL;
    }

    if (type == NULL || strcmp(type, "object") == 0) {
        return genai_sim_schema_object(s, schema);
    }

    if (strcmp(type, "array") == 0) {
        return genai_sim_schema_array(s, schema);
    }

    if (strcmp(type, "string") == 0) {
        return genai_sim_schema_string(schema);
    }

    if (strcmp(type, "integer") == 0) {
        return genai_sim_schema_number(schema, 1);
    }

    if (strcmp(type, "number") == 0) {
        return genai_sim_schema_number(schema, 0);
    }

    return (strcmp(type, "boolean") == 0) ? json_true() : json_null();
}


static json_t *
genai_sim_schema_object(genai_sim_schema_t *s, json_t *schema)
{
    size_t       i;
    json_t      *object, *properties, *required, *name, *property, *value;
    const char  *key;

    object = json_object();
    if (object == NULL) {
        return NULL;
    }

    properties = json_object_get(schema, "properties");
    required = json_object_get(schema, "required");

    json_array_foreach(required, i, name) {

        key = json_string_value(name);

        if (key == NULL) {
            continue;
        }

        property = json_object_get(properties, key);

        value = genai_sim_schema_value(s, property);

        if (value == NULL || json_object_set_new(object, key, value) == -1) {
            json_decref(object);
            return NULL;
        }
    }

    return object;
}


static json_t *
genai_sim_schema_array(genai_sim_schema_t *s, json_t *schema)
{
    json_t     *array, *items, *first, *value;
    json_int_t  i, n;

    array = json_array();
    if (array == NULL) {
        return NULL;
    }

    items = json_object_get(schema, "items");
    first = json_object_get(schema, "prefixItems");

    n = json_integer_value(json_object_get(schema, "minItems"));

    for (i = 0; i < n; i++) {

        value = json_array_get(first, i);
        value = genai_sim_schema_value(s, value ? value : items);

        if (value == NULL || json_array_append_new(array, value) == -1) {
            json_decref(array);
            return NULL;
        }
    }

    return array;
}


static json_t *
genai_sim_schema_string(json_t *schema)
{
    char        *p;
    size_t       i;
    json_t      *value;
    json_int_t   min;
    const char  *format;

    static const struct {
        const char  *format;
        const char  *value;
    } samples[] = {
        { "date-time", "2026-01-01T00:00:00Z" },
        { "date", "2026-01-01" },
        { "time", "00:00:00Z" },
        { "duration", "PT1S" },
        { "email", "a@example.com" },
        { "hostname", "example.com" },
        { "ipv4", "192.0.2.1" },
        { "ipv6", "2001:db8::1" },
        { "uuid", "00000000-0000-4000-8000-000000000000" },
        { "uri", "http://example.com/" },
        { NULL, NULL }
    };

    format = json_string_value(json_object_get(schema, "format"));

    for (i = 0; format && samples[i].format; i++) {
        if (strcmp(format, samples[i].format) == 0) {
            return json_string(samples[i].value);
        }
    }

    min = json_integer_value(json_object_get(schema, "minLength"));

    if (min > GENAI_SIM_SCHEMA_STRING) {
        min = GENAI_SIM_SCHEMA_STRING;
    }

    if (min <= 0) {
        return json_string("");
    }

    p = malloc(min);
    if (p == NULL) {
        return NULL;
    }

    memset(p, 'a', min);

    value = json_stringn(p, min);

    free(p);

    return value;
}


static json_t *
genai_sim_schema_number(json_t *schema, int integer)
{
    int      exclusive;
    double   min, max, step;
    json_t  *v;

    min = 0;
    max = 0;
    exclusive = 0;

    v = json_object_get(schema, "minimum");

    if (v == NULL) {
        v = json_object_get(schema, "exclusiveMinimum");
        exclusive = 1;
    }

    if (json_is_number(v)) {
        min = json_number_value(v);

        if (exclusive) {
            min += integer ? 1 : 0.5;
        }

    } else {
        exclusive = 0;

        v = json_object_get(schema, "maximum");

        if (v == NULL) {
            v = json_object_get(schema, "exclusiveMaximum");
            exclusive = 1;
        }

        max = json_number_value(v);

        if (json_is_number(v) && max <= 0) {
            min = exclusive ? max - 1 : max;
        }
    }

    step = json_number_value(json_object_get(schema, "multipleOf"));

    if (!(min > -1e15 && min < 1e15)) {
        min = 0;
    }

    if (step > 0 && step < 1e15 && min / step < 1e15 && min / step > -1e15) {

        /* the first multiple that is not below the minimum */

        max = (double) (json_int_t) (min / step) * step;
        min = (max < min) ? max + step : max;
    }

    if (integer || min == (double) (json_int_t) min) {

        if (min > (double) (json_int_t) min) {
            min += 1;
        }

        return json_integer((json_int_t) min);
    }

    return json_real(min);
}


/* NULL: anything goes */

static const char *
genai_sim_schema_type(json_t *schema)
{
    json_t  *type;

    type = json_object_get(schema, "type");

    if (json_is_array(type)) {
        type = json_array_get(type, 0);
    }

    if (type == NULL && json_object_get(schema, "items")) {
        return "array";
    }

    return json_string_value(type);
}


/* "#", "#/$defs/name" and the like; the result is borrowed, or NULL */

static json_t *
genai_sim_schema_ref(genai_sim_schema_t *s, const char *ref)
{
    char         name[GENAI_SIM_NAME + 1];
    size_t       n;
    json_t      *at;

    at = s->root;

    if (*ref++ != '#') {
        return NULL;
    }

    while (at && *ref == '/') {

        ref++;

        for (n = 0; *ref && *ref != '/' && n < GENAI_SIM_NAME; n++) {

            name[n] = *ref++;

            if (name[n] == '~' && (*ref == '0' || *ref == '1')) {
                name[n] = (*ref++ == '0') ? '~' : '/';
            }
        }

        name[n] = '\0';

        at = json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                               : json_object_get(at, name);
    }

    return (*ref == '\0') ? at : NULL;
}


/*
 * The schema and all that its allOf lists, as one schema.  What is in conflict
 * is not sorted out: the last one wins.  Returns a new reference.
 */

static json_t *
genai_sim_schema_merge(genai_sim_schema_t *s, json_t *schema)
{
    size_t       i;
    json_t      *merged, *part, *from, *to, *own;
    unsigned     n;
    const char  *ref;

    merged = json_deep_copy(schema);
    if (merged == NULL) {
        return NULL;
    }

    json_object_del(merged, "allOf");

    json_array_foreach(json_object_get(schema, "allOf"), i, part) {

        for (n = 0; n < GENAI_SIM_SCHEMA_DEPTH; n++) {
            ref = json_string_value(json_object_get(part, "$ref"));

            if (ref == NULL) {
                break;
            }

            part = genai_sim_schema_ref(s, ref);
        }

        if (!json_is_object(part)
            || s->values + json_object_size(part) > GENAI_SIM_SCHEMA_VALUES)
        {
            continue;
        }

        s->values += json_object_size(part);

        own = json_deep_copy(part);
        if (own == NULL) {
            json_decref(merged);
            return NULL;
        }

        to = json_object_get(merged, "properties");
        from = json_object_get(own, "properties");

        if (to && from) {
            (void) json_object_update(to, from);
            json_object_del(own, "properties");
        }

        to = json_object_get(merged, "required");
        from = json_object_get(own, "required");

        if (to && from) {
            (void) json_array_extend(to, from);
            json_object_del(own, "required");
        }

        (void) json_object_update(merged, own);

        json_decref(own);
    }

    return merged;
}
