// What the addon keeps for one environment of Node (Napi instance data): never shared, so worker threads
// work.
#ifndef RINGWALL_ENVIRONMENT_H
#define RINGWALL_ENVIRONMENT_H

#include "node-api.h"

namespace ringwall {

struct Environment {
    // Constructors of the classes that the addon makes objects of.
    Napi::FunctionReference map;
    Napi::FunctionReference program;
    Napi::FunctionReference link;
    Napi::FunctionReference object;
    // Makes the errors that JavaScript sees; empty: plain ones.
    Napi::FunctionReference errorFactory;

    static Environment &of(Napi::Env env) {
        return *env.GetInstanceData<Environment>();
    }
};

} // namespace ringwall

#endif
