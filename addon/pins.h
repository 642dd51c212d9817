// Many pins, opened on another thread: one by one they would hold up the event loop.
#ifndef RINGWALL_PINS_H
#define RINGWALL_PINS_H

#include "node-api.h"

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "worker.h"
#include "wrapped.h"

namespace ringwall {

/**
 * Opens all of `paths` or none, as a promise of an array. `learn`: what else that thread asks a descriptor
 * (an int), and may throw Failure; `convert`: the environment, the descriptor and what was learnt, as one
 * element.
 */
template <class Learn, class Convert>
Napi::Value openPins(Napi::Env env, std::vector<std::string> paths, Kind kind, Learn learn, Convert convert) {
    using Opened = std::vector<std::pair<Fd, decltype(learn(0))>>;
    using All = std::shared_ptr<Opened>; // what is handed over is moved out of it
    return Worker<All>::start(
        env, "ringwall.openPinned",
        [paths = std::move(paths), kind, learn] {
            auto all = std::make_shared<Opened>();
            for (const std::string &path : paths) {
                Fd fd = openPin(path, kind);
                auto learnt = learn(fd.get());
                all->emplace_back(std::move(fd), std::move(learnt));
            }
            return all;
        },
        [convert](Napi::Env at, const All &all) -> Napi::Value {
            Napi::Array result = Napi::Array::New(at, all->size());
            for (uint32_t index = 0; index < all->size(); index++) {
                auto &[fd, learnt] = (*all)[index];
                result.Set(index, convert(at, std::move(fd), learnt));
            }
            return result;
        });
}

} // namespace ringwall

#endif
