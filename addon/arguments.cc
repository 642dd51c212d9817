#include "arguments.h"

#include <cmath>
#include <cstring>

namespace ringwall {

namespace {

Failure refuse(const char *name, const std::string &wanted) {
    return Failure(EINVAL, std::string(name) + " must be " + wanted);
}

} // namespace

Bytes readBytes(const Napi::Value &value, const char *name) {
    if (!value.IsTypedArray())
        throw refuse(name, "a Uint8Array");
    napi_typedarray_type type;
    size_t length;
    void *data;
    if (napi_get_typedarray_info(value.Env(), value, &type, &length, &data, nullptr, nullptr) != napi_ok ||
        type != napi_uint8_array)
        throw refuse(name, "a Uint8Array");
    return Bytes{static_cast<uint8_t *>(data), length};
}

Bytes readBytes(const Napi::Value &value, const char *name, size_t size) {
    Bytes bytes = readBytes(value, name);
    if (bytes.size != size)
        throw refuse(name, std::to_string(size) + " bytes long, not " + std::to_string(bytes.size));
    return bytes;
}

std::string readString(const Napi::Value &value, const char *name) {
    if (!value.IsString())
        throw refuse(name, "a string");
    std::string text = value.As<Napi::String>().Utf8Value();
    if (text.find('\0') != std::string::npos)
        throw refuse(name, "a string without NUL");
    return text;
}

uint32_t readUint32(const Napi::Value &value, const char *name) {
    double number = value.IsNumber() ? value.As<Napi::Number>().DoubleValue() : -1;
    if (!(number >= 0 && number <= UINT32_MAX) || std::floor(number) != number)
        throw refuse(name, "an integer from 0 to 4294967295");
    return static_cast<uint32_t>(number);
}

bool readBoolean(const Napi::Value &value, const char *name) {
    if (!value.IsBoolean())
        throw refuse(name, "true or false");
    return value.As<Napi::Boolean>().Value();
}

Napi::Object readObject(const Napi::Value &value, const char *name) {
    if (!value.IsObject())
        throw refuse(name, "an object");
    return value.As<Napi::Object>();
}

Napi::Function readFunction(const Napi::Value &value, const char *name) {
    if (!value.IsFunction())
        throw refuse(name, "a function");
    return value.As<Napi::Function>();
}

std::vector<std::string> readStrings(const Napi::Value &value, const char *name) {
    if (!value.IsArray())
        throw refuse(name, "an array of strings");
    Napi::Array array = value.As<Napi::Array>();
    std::vector<std::string> strings;
    for (uint32_t i = 0; i < array.Length(); i++)
        strings.push_back(readString(array.Get(i), name));
    return strings;
}

Napi::Value toBytes(Napi::Env env, const void *data, size_t size) {
    Napi::ArrayBuffer buffer = Napi::ArrayBuffer::New(env, size);
    if (size > 0)
        memcpy(buffer.Data(), data, size);
    return Napi::Uint8Array::New(env, size, buffer, 0);
}

Napi::Value toStrings(Napi::Env env, const std::vector<std::string> &names) {
    Napi::Array array = Napi::Array::New(env, names.size());
    for (uint32_t i = 0; i < names.size(); i++)
        array.Set(i, Napi::String::New(env, names[i]));
    return array;
}

} // namespace ringwall
