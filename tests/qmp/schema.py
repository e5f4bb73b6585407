# SPDX-License-Identifier: GPL-2.0-or-later
"""query-qmp-schema as a judge: is a value of a type, and what arguments are right or wrong."""


class Wrong(AssertionError):
    """A value that is not of its type."""


def is_int(value):
    return isinstance(value, int) and not isinstance(value, bool)


JSON = {
    "string": lambda v: isinstance(v, str),
    "int": is_int,
    "number": lambda v: is_int(v) or isinstance(v, float),
    "boolean": lambda v: isinstance(v, bool),
    "null": lambda v: v is None,
    "object": lambda v: isinstance(v, dict),
    "array": lambda v: isinstance(v, list),
    "value": lambda v: True,
}
# One value of each kind.
SAMPLES = {"string": "x", "int": 1, "number": 0.5, "boolean": True, "null": None, "object": {},
           "array": []}


class Schema:
    def __init__(self, infos):
        self.by_name = {}
        for i in infos:
            if i["name"] in self.by_name:
                raise Wrong(f"{i['name']} is there twice")
            self.by_name[i["name"]] = i

    def entities(self, meta):
        return {n: i for n, i in self.by_name.items() if i["meta-type"] == meta}

    # --- what a value must be ------------------------------------------------------------------

    def check(self, name, value, path="value"):
        t = self.by_name[name]
        getattr(self, "check_" + t["meta-type"])(t, value, path)

    def check_builtin(self, t, value, path):
        if not JSON[t["json-type"]](value):
            raise Wrong(f"{path}: {value!r} is no {t['json-type']}")

    def check_enum(self, t, value, path):
        if value not in [m["name"] for m in t["members"]]:
            raise Wrong(f"{path}: {value!r} is not in {t['name']}")

    def check_array(self, t, value, path):
        if not isinstance(value, list):
            raise Wrong(f"{path}: {value!r} is no array")
        for i, v in enumerate(value):
            self.check(t["element-type"], v, f"{path}[{i}]")

    def check_alternate(self, t, value, path):
        for m in t["members"]:
            try:
                return self.check(m["type"], value, path)
            except Wrong:
                pass
        raise Wrong(f"{path}: {value!r} is none of {t['name']}")

    def check_object(self, t, value, path):
        if not isinstance(value, dict):
            raise Wrong(f"{path}: {value!r} is no object")
        members = self.members(t, value)
        for m in members.values():
            if m["name"] in value:
                self.check(m["type"], value[m["name"]], f"{path}.{m['name']}")
            elif "default" not in m:
                raise Wrong(f"{path}: no member {m['name']} in {value!r}")
        for name in value:
            if name not in members:
                raise Wrong(f"{path}: unexpected member {name}")

    def members(self, t, value):
        """All members of an object type, with those of the variant that value has chosen."""
        all_of = {m["name"]: m for m in t["members"]}
        for v in t.get("variants", ()):
            if value.get(t["tag"]) == v["case"]:
                all_of.update(self.members(self.by_name[v["type"]], value))
        return all_of

    # --- is it closed? -------------------------------------------------------------------------

    def check_itself(self):
        """All that is mentioned is there, all that is there is mentioned, as QEMU promises."""
        used = set()
        for i in self.by_name.values():
            used.update(self.mentioned(i))
        for name in used:
            if name not in self.by_name:
                raise Wrong(f"{name} is mentioned and not there")
        for name, i in self.by_name.items():
            if i["meta-type"] not in ("command", "event") and name not in used:
                raise Wrong(f"{name} is there and nobody mentions it")

    @staticmethod
    def mentioned(info):
        for key in ("arg-type", "ret-type", "element-type"):
            if key in info:
                yield info[key]
        if info["meta-type"] in ("object", "alternate"):
            for m in info["members"] + info.get("variants", []):
                yield m["type"]

    # --- arguments that are made up ------------------------------------------------------------

    def sample(self, name, depth=0):
        """A value of the type, with no member that need not be."""
        t = self.by_name[name]
        if t["meta-type"] == "builtin":
            return SAMPLES.get(t["json-type"], {})
        if t["meta-type"] == "enum":
            return t["members"][0]["name"]
        if t["meta-type"] == "array":
            return []
        if t["meta-type"] == "alternate":
            return self.sample(t["members"][0]["type"], depth)
        return self.sample_object(t, depth)

    def sample_object(self, t, depth=0):
        value, seen = {}, set()
        while depth < 20:
            members = self.members(t, value)
            new = [m for m in members.values() if m["name"] not in seen and "default" not in m]
            if not new:
                break
            for m in new:
                seen.add(m["name"])
                value[m["name"]] = self.sample(m["type"], depth + 1)
        return value

    def wrong(self, t, value, path=()):
        """(what is wrong, where, arguments) for each way to spoil value, an object of type t."""
        for m in self.members(t, value).values():
            at = path + (m["name"],)
            name = ".".join(at)
            if m["name"] in value and "default" not in m:
                yield ("missing", name, {k: v for k, v in value.items() if k != m["name"]})
            for kind, bad in self.wrong_values(m["type"]):
                yield (kind, name, {**value, m["name"]: bad})
            inner = self.by_name[m["type"]]
            if inner["meta-type"] == "object" and m["name"] in value:
                for kind, where, v in self.wrong(inner, value[m["name"]], at):
                    yield (kind, where, {**value, m["name"]: v})
        yield ("unexpected", ".".join(path + ("no-such-member",)), {**value, "no-such-member": 1})

    def takes(self, name, kind):
        """Is a value of that kind of JSON right, or wrong only for what is in it?"""
        t = self.by_name[name]
        if t["meta-type"] == "builtin":
            return JSON[t["json-type"]](SAMPLES[kind])
        if t["meta-type"] == "alternate":
            return any(self.takes(m["type"], kind) for m in t["members"])
        return kind == {"enum": "string", "array": "array", "object": "object"}[t["meta-type"]]

    def wrong_values(self, name):
        t = self.by_name[name]
        for kind, sample in SAMPLES.items():
            if not self.takes(name, kind):
                yield ("wrong type", sample)
        if t.get("json-type") == "int":
            yield ("wrong type", 1 << 64)
            yield ("wrong type", -(1 << 64))
        if t["meta-type"] == "enum":
            yield ("wrong value", "no-such-value")
        if t["meta-type"] == "array":
            for _, bad in self.wrong_values(t["element-type"]):
                yield ("wrong element", [bad])
