#include "object.h"

#include <bpf/bpf.h>
#include <bpf/btf.h>

#include <algorithm>
#include <cstring>
#include <vector>

#include "handle.h"
#include "map.h"
#include "program.h"
#include "worker.h"

namespace ringwall {

namespace {

/** libbpf's own maps (.rodata, .bss, …) have a dot in their names; C has none. */
bool isOurs(const bpf_map *map) {
    return !bpf_map__is_internal(map) && strchr(bpf_map__name(map), '.') == nullptr;
}

/** Of one of these the kernel says a flag (BPF_F_RDONLY_PROG) that nobody may set: libbpf takes it for
 * another. */
bool isDeviceMap(const bpf_map *map) {
    return bpf_map__type(map) == BPF_MAP_TYPE_DEVMAP || bpf_map__type(map) == BPF_MAP_TYPE_DEVMAP_HASH;
}

/** Uses the map that is pinned there. False where none is. Throws Failure (EINVAL) where it is another one.
 */
bool reusePinned(bpf_map *map, const std::string &path) {
    Fd pinned(bpf_obj_get(path.c_str()));
    if (pinned.get() < 0)
        return false;
    bpf_map_info info = {};
    uint32_t size = sizeof(info);
    if (int error = bpf_obj_get_info_by_fd(pinned.get(), &info, &size))
        throw Failure(error, "cannot look at the map " + path);
    if (info.type != bpf_map__type(map) || info.key_size != bpf_map__key_size(map) ||
        info.value_size != bpf_map__value_size(map) || info.max_entries != bpf_map__max_entries(map))
        throw Failure(EINVAL, "another map is pinned at " + path);
    if (int error = bpf_map__reuse_fd(map, pinned.get()))
        throw Failure(error, "cannot use the map " + path);
    return true;
}

void setPins(bpf_object *object, const std::string &root) {
    bpf_map *map;
    bpf_object__for_each_map(map, object) {
        if (!isOurs(map))
            continue;
        std::string path = root + "/" + bpf_map__name(map);
        if (isDeviceMap(map) && reusePinned(map, path))
            continue;
        if (int error = bpf_map__set_pin_path(map, path.c_str()))
            throw Failure(error, "cannot set the pin path " + path);
    }
}

void setSizes(bpf_object *object, const Napi::Object &sizes) {
    for (const std::string &name : readStrings(sizes.GetPropertyNames(), "maxEntries")) {
        bpf_map *map = bpf_object__find_map_by_name(object, name.c_str());
        if (map == nullptr)
            throw Failure(ENOENT, "maxEntries: the object has no map " + name);
        if (int error = bpf_map__set_max_entries(map, readUint32(sizes.Get(name), name.c_str())))
            throw Failure(error, "cannot set the size of the map " + name);
    }
}

/** Maps that are there already stand in for those that the object declares. */
void setMaps(bpf_object *object, const Napi::Object &maps) {
    for (const std::string &name : readStrings(maps.GetPropertyNames(), "maps")) {
        bpf_map *map = bpf_object__find_map_by_name(object, name.c_str());
        if (map == nullptr)
            throw Failure(ENOENT, "maps: the object has no map " + name);
        if (int error = bpf_map__reuse_fd(map, BpfMap::from(maps.Get(name)).fd()))
            throw Failure(error, "cannot use another map as " + name);
    }
}

void selectPrograms(bpf_object *object, const std::vector<std::string> &wanted) {
    for (const std::string &name : wanted) {
        if (bpf_object__find_program_by_name(object, name.c_str()) == nullptr)
            throw Failure(ENOENT, "programs: the object has no program " + name);
    }
    bpf_program *program;
    bpf_object__for_each_program(program, object) {
        bool load = std::find(wanted.begin(), wanted.end(), bpf_program__name(program)) != wanted.end();
        bpf_program__set_autoload(program, load);
    }
}

/** The bytes of the object's read-only data, which live in user space until the load. */
Bytes findReadOnlyData(bpf_object *object) {
    bpf_map *map;
    bpf_object__for_each_map(map, object) {
        std::string name = bpf_map__name(map);
        size_t dot = name.rfind(".rodata");
        if (!bpf_map__is_internal(map) || dot == std::string::npos || dot + strlen(".rodata") != name.size())
            continue;
        size_t size = 0;
        void *data = const_cast<void *>(bpf_map__initial_value(map, &size));
        return Bytes{static_cast<uint8_t *>(data), size};
    }
    return Bytes{nullptr, 0};
}

/** Where a variable lies in .rodata, by the object's BTF. Throws Failure (ENOENT). */
btf_var_secinfo findConstant(bpf_object *object, const std::string &name) {
    const btf *types = bpf_object__btf(object);
    int section = types == nullptr ? -ENOENT : btf__find_by_name_kind(types, ".rodata", BTF_KIND_DATASEC);
    if (section >= 0) {
        const btf_type *datasec = btf__type_by_id(types, static_cast<uint32_t>(section));
        const btf_var_secinfo *variables = btf_var_secinfos(datasec);
        for (uint32_t i = 0; i < btf_vlen(datasec); i++) {
            const btf_type *variable = btf__type_by_id(types, variables[i].type);
            if (name == btf__name_by_offset(types, variable->name_off))
                return variables[i];
        }
    }
    throw Failure(ENOENT, "constants: the object has no constant " + name);
}

void setConstants(bpf_object *object, const Napi::Object &constants) {
    for (const std::string &name : readStrings(constants.GetPropertyNames(), "constants")) {
        btf_var_secinfo place = findConstant(object, name);
        Bytes value = readBytes(constants.Get(name), name.c_str(), place.size);
        Bytes data = findReadOnlyData(object);
        if (data.data == nullptr || size_t{place.offset} + place.size > data.size)
            throw Failure(EINVAL, "constants: " + name + " lies outside the read-only data");
        memcpy(data.data + place.offset, value.data, value.size);
    }
}

void setUp(bpf_object *object, const Napi::Object &options) {
    Napi::Value maxEntries = options.Get("maxEntries");
    if (!maxEntries.IsUndefined())
        setSizes(object, readObject(maxEntries, "maxEntries"));
    Napi::Value constants = options.Get("constants");
    if (!constants.IsUndefined())
        setConstants(object, readObject(constants, "constants"));
    Napi::Value programs = options.Get("programs");
    if (!programs.IsUndefined())
        selectPrograms(object, readStrings(programs, "programs"));
    Napi::Value maps = options.Get("maps");
    if (!maps.IsUndefined())
        setMaps(object, readObject(maps, "maps"));
    Napi::Value pinRoot = options.Get("pinRoot");
    if (!pinRoot.IsUndefined())
        setPins(object, readString(pinRoot, "pinRoot"));
}

/** Set up, and not loaded yet. */
BpfObject::Handle openFile(const Napi::Object &options, const std::string &path) {
    LogCapture log;
    BpfObject::Handle object(bpf_object__open_file(path.c_str(), nullptr));
    log.check(object ? 0 : -errno, "cannot open the object " + path);
    setUp(object.get(), options);
    return object;
}

void loadObject(bpf_object *object, const std::string &path) {
    LogCapture log;
    log.check(bpf_object__load(object), "cannot load the object " + path);
}

Napi::Value makeObject(Napi::Env env, BpfObject::Handle &object) {
    return Environment::of(env).object.New({Napi::External<BpfObject::Handle>::New(env, &object)});
}

} // namespace

BpfObject::BpfObject(const Napi::CallbackInfo &info) : Wrapped<BpfObject>(info) {
    if (info.Length() != 1 || !info[0].IsExternal())
        throw Napi::TypeError::New(info.Env(), "BpfObject has no public constructor");
    object_ = std::move(*info[0].As<Napi::External<Handle>>().Data());
}

Napi::Function BpfObject::define(Napi::Env env) {
    return DefineClass(env, name,
                       {StaticMethod<&guarded<load>>("load"), StaticMethod<&guarded<loadAsync>>("loadAsync"),
                        getter<&BpfObject::mapNames>("mapNames"),
                        getter<&BpfObject::programNames>("programNames"), method<&BpfObject::map>("map"),
                        method<&BpfObject::program>("program"), method<&BpfObject::close>("close")});
}

Napi::Value BpfObject::load(const Napi::CallbackInfo &info) {
    Napi::Object options = readObject(info[0], "options");
    std::string path = readString(options.Get("path"), "path");
    Handle object = openFile(options, path);
    loadObject(object.get(), path);
    return makeObject(info.Env(), object);
}

Napi::Value BpfObject::loadAsync(const Napi::CallbackInfo &info) {
    Napi::Object options = readObject(info[0], "options");
    std::string path = readString(options.Get("path"), "path");
    using Shared = std::shared_ptr<Handle>; // what is handed over is moved out of it
    Shared object = std::make_shared<Handle>(openFile(options, path));
    return Worker<Shared>::start(
        info.Env(), "ringwall.load",
        [object, path] {
            loadObject(object->get(), path);
            return object;
        },
        [](Napi::Env env, const Shared &loaded) { return makeObject(env, *loaded); });
}

bpf_object *BpfObject::open() const {
    if (!object_)
        throw Failure(EBADF, "BpfObject is closed");
    return object_.get();
}

Napi::Value BpfObject::mapNames(const Napi::CallbackInfo &info) {
    std::vector<std::string> names;
    bpf_map *map;
    bpf_object__for_each_map(map, open()) {
        if (isOurs(map))
            names.emplace_back(bpf_map__name(map));
    }
    return toStrings(info.Env(), names);
}

Napi::Value BpfObject::programNames(const Napi::CallbackInfo &info) {
    std::vector<std::string> names;
    bpf_program *program;
    bpf_object__for_each_program(program, open()) {
        if (bpf_program__fd(program) >= 0)
            names.emplace_back(bpf_program__name(program));
    }
    return toStrings(info.Env(), names);
}

Napi::Value BpfObject::map(const Napi::CallbackInfo &info) {
    std::string wanted = readString(info[0], "name");
    const bpf_map *found = bpf_object__find_map_by_name(open(), wanted.c_str());
    int fd = found == nullptr ? -ENOENT : bpf_map__fd(found);
    if (fd < 0)
        throw Failure(ENOENT, "the object has no map " + wanted);
    return BpfMap::make(info.Env(), Fd::duplicate(fd));
}

Napi::Value BpfObject::program(const Napi::CallbackInfo &info) {
    std::string wanted = readString(info[0], "name");
    const bpf_program *found = bpf_object__find_program_by_name(open(), wanted.c_str());
    int fd = found == nullptr ? -ENOENT : bpf_program__fd(found);
    if (fd < 0)
        throw Failure(ENOENT, "the object has no loaded program " + wanted);
    return BpfProgram::make(info.Env(), Fd::duplicate(fd));
}

Napi::Value BpfObject::close(const Napi::CallbackInfo &info) {
    object_.reset();
    return info.Env().Undefined();
}

} // namespace ringwall
