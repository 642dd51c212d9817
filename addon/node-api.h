// node-addon-api, set up. Every file includes it here, so that all see the same inline functions.
#ifndef RINGWALL_NODE_API_H
#define RINGWALL_NODE_API_H

// An environment that is ending (a terminated worker) refuses calls without an exception; without this,
// node-addon-api would end the whole process over it.
#define NODE_API_SWALLOW_UNTHROWABLE_EXCEPTIONS

#include <napi.h>

#endif
