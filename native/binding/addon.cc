// SPDX-License-Identifier: Apache-2.0
// The addon's exports and its per-environment data. Every dp_* call but dp_version and dp_log_install runs on the
// control thread; every N-API call runs on Node's main thread.
#include <signal.h>
#include <sys/prctl.h>

#include <memory>

#include "control_thread.h"
#include "convert.h"

namespace
{

// What `onEvent` gets, on its way from the control thread to Node's.
struct Event {
	enum {
		Link,
		Addresses,
		Removed,
		Returned,
		Reset,
		ResetFailed,
		Filters,
		Mtu,
		TapReplaced,
		CaptureEnded,
		Neighbour
	} kind;
	unsigned port = 0;
	bool up = false;
	uint32_t speedMbps = 0;
	std::vector<StartCopy::Addresses> addresses = {};
	std::string message = {};
	std::string code = {};
	dp_filters filters = {};
	dp_mtu mtu = {};
	dp_capture_result capture = {};
};

// Compiles a rule list on a thread of libuv's. `done` gets the classifier; a list that does not compile rejects.
class RuleCompiler : public Napi::AsyncWorker
{
      public:
	using Done = std::function<void(Napi::Env, dp_classifier *)>;

	RuleCompiler(Napi::Env env, std::shared_ptr<RulesCopy> rules, std::shared_ptr<Napi::Promise::Deferred> deferred,
		     Done done)
	    : Napi::AsyncWorker(env), rules(std::move(rules)), deferred(std::move(deferred)), done(std::move(done))
	{
	}

	void Execute() override
	{
		failed = dp_compile_rules(rules->rules.data(), rules->size(), &classifier, &error) < 0;
	}

	void OnOK() override
	{
		if (failed)
			deferred->Reject(errorToJs(Env(), error).Value());
		else
			done(Env(), classifier);
	}

      private:
	std::shared_ptr<RulesCopy> rules;
	std::shared_ptr<Napi::Promise::Deferred> deferred;
	Done done;
	dp_classifier *classifier = nullptr;
	dp_error error{};
	bool failed = false;
};

class Addon : public Napi::Addon<Addon>
{
      public:
	Addon(Napi::Env env, Napi::Object exports)
	{
		dp_log_install();
		// A supervisor that is killed takes its worker along, also one that is stuck.
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		DefineAddon(exports, {
					     InstanceValue("dpdkVersion", Napi::String::New(env, dp_version())),
					     InstanceMethod("start", &Addon::start),
					     InstanceMethod("swapRules", &Addon::swapRules),
					     InstanceMethod("startCapture", &Addon::startCapture),
					     InstanceMethod("stopCapture", &Addon::stopCapture),
					     InstanceMethod("stop", &Addon::stop),
				     });
	}

      private:
	using Settle = std::function<void(Napi::Env, Napi::Promise::Deferred &)>;

	// Runs `work` on the control thread; what it returns settles the promise on Node's main thread.
	Napi::Value promise(Napi::Env env, const char *name, std::function<Settle()> work)
	{
		return promise(env, std::make_shared<Napi::Promise::Deferred>(env), name, std::move(work));
	}

	Napi::Value promise(Napi::Env env, const std::shared_ptr<Napi::Promise::Deferred> &deferred, const char *name,
			    std::function<Settle()> work)
	{
		auto done = std::make_shared<Napi::ThreadSafeFunction>(Napi::ThreadSafeFunction::New(
			env, Napi::Function::New(env, [](const Napi::CallbackInfo &) {}), name, 0, 1));
		control.post([work = std::move(work), deferred, done] {
			done->BlockingCall(
				[deferred, settle = work()](Napi::Env e, Napi::Function) { settle(e, *deferred); });
			done->Release();
		});
		return deferred->Promise();
	}

	static Settle rejection(const dp_error &error)
	{
		return [error](Napi::Env env, Napi::Promise::Deferred &d) { d.Reject(errorToJs(env, error).Value()); };
	}

	void tell(Event event)
	{
		events.NonBlockingCall([this, event = std::move(event)](Napi::Env env, Napi::Function onEvent) {
			onEvent.Call({eventToJs(env, event)});
		});
	}

	// On the control thread. A stop may follow a start that failed.
	void releaseEvents()
	{
		if (eventsHeld)
			events.Release();
		eventsHeld = false;
	}

	static Napi::Object whyToJs(Napi::Env env, const Event &event)
	{
		Napi::Object why = Napi::Object::New(env);
		why.Set("code", event.code);
		why.Set("message", event.message);
		return why;
	}

	Napi::Value eventToJs(Napi::Env env, const Event &event)
	{
		Napi::Object out = Napi::Object::New(env);
		switch (event.kind) {
		case Event::Link:
			out.Set("kind", "link");
			out.Set("port", portNames.at(event.port));
			out.Set("up", event.up);
			out.Set("speedMbps", event.speedMbps);
			break;
		case Event::Addresses:
			out.Set("kind", "addresses");
			out.Set("addresses", addressesToJs(env, event.addresses, portNames));
			break;
		case Event::Removed:
			out.Set("kind", "removed");
			out.Set("port", portNames.at(event.port));
			break;
		case Event::Returned:
			out.Set("kind", "returned");
			out.Set("port", portNames.at(event.port));
			break;
		case Event::Reset:
			out.Set("kind", "reset");
			out.Set("port", portNames.at(event.port));
			break;
		case Event::ResetFailed:
			out.Set("kind", "resetFailed");
			out.Set("port", portNames.at(event.port));
			out.Set("message", event.message);
			break;
		case Event::Filters:
			out.Set("kind", "filters");
			out.Set("port", portNames.at(event.port));
			setFilters(out, event.filters);
			break;
		case Event::Mtu:
			out.Set("kind", "mtu");
			out.Set("port", portNames.at(event.port));
			setMtu(out, event.mtu);
			break;
		case Event::CaptureEnded:
			out.Set("kind", "captureEnded");
			out.Set("result", captureResultToJs(env, event.capture));
			break;
		case Event::TapReplaced:
			out.Set("kind", "tapReplaced");
			out.Set("port", portNames.at(event.port));
			break;
		case Event::Neighbour:
			out.Set("kind", "neighbour");
			out.Set("port", portNames.at(event.port));
			out.Set("why", env.Null());
			if (!event.up)
				out.Set("why", whyToJs(env, event));
			break;
		}
		return out;
	}

	Napi::Value start(const Napi::CallbackInfo &info)
	{
		std::shared_ptr<PlanCopy> plan = planFromJs(info[0].As<Napi::Object>());
		int counters = info[1].As<Napi::Number>().Int32Value();
		for (unsigned p = 0; p < plan->plan.n_ports; p++)
			portNames.emplace_back(plan->plan.ports[p].name);
		events = Napi::ThreadSafeFunction::New(info.Env(), info[2].As<Napi::Function>(), "events", 0, 1);
		eventsHeld = true;
		return promise(info.Env(), "start", [this, plan, counters]() -> Settle {
			dp_events callbacks{
				this,
				[](void *self, unsigned port, bool up, uint32_t speed) {
					static_cast<Addon *>(self)->tell({Event::Link, port, up, speed, {}});
				},
				[](void *self) {
					static_cast<Addon *>(self)->tell(
						{Event::Addresses, 0, false, 0, copyAddresses()});
				},
				[](void *self, unsigned port) {
					static_cast<Addon *>(self)->tell({Event::Removed, port, false, 0, {}});
				},
				[](void *self, unsigned port) {
					static_cast<Addon *>(self)->tell({Event::Returned, port});
				},
				[](void *self, unsigned port, const dp_error *error) {
					Event event{error == nullptr ? Event::Reset : Event::ResetFailed, port};
					if (error != nullptr)
						event.message = std::string(error->call) + ": " + error->message;
					static_cast<Addon *>(self)->tell(std::move(event));
				},
				[](void *self, unsigned port, const dp_filters *filters) {
					Event event{Event::Filters, port};
					event.filters = *filters;
					static_cast<Addon *>(self)->tell(std::move(event));
				},
				[](void *self, unsigned port, const dp_mtu *mtu) {
					Event event{Event::Mtu, port};
					event.mtu = *mtu;
					static_cast<Addon *>(self)->tell(std::move(event));
				},
				[](void *self, unsigned port) {
					static_cast<Addon *>(self)->tell({Event::TapReplaced, port, false, 0, {}});
				},
				[](void *self, const dp_capture_result *result) {
					Event event{Event::CaptureEnded};
					event.capture = *result;
					static_cast<Addon *>(self)->tell(std::move(event));
				},
				[](void *self, unsigned port, const dp_error *why) {
					Event event{Event::Neighbour, port, why == nullptr};
					if (why != nullptr) {
						event.code = errnoName(why->errnum);
						event.message = std::string(why->call) + ": " + why->message;
					}
					static_cast<Addon *>(self)->tell(std::move(event));
				},
			};
			planInForce = plan;
			dp_error error{};
			if (dp_start(&plan->plan, counters, &callbacks, &error) < 0) {
				releaseEvents();
				return rejection(error);
			}
			control.setServing(true);
			return [copy = copyStart()](Napi::Env env, Napi::Promise::Deferred &d) {
				d.Resolve(startToJs(env, copy));
			};
		});
	}

	// Compiling may take seconds, in which the control thread has other things to do: it gets what came of it.
	Napi::Value withCompiled(Napi::Env env, const char *name, const std::shared_ptr<RulesCopy> &rules,
				 std::function<Settle(dp_classifier *)> work)
	{
		auto deferred = std::make_shared<Napi::Promise::Deferred>(env);
		auto go_on = [this, name, rules, deferred, work = std::move(work)](Napi::Env e,
										   dp_classifier *classifier) {
			promise(e, deferred, name, [work, classifier] { return work(classifier); });
		};
		(new RuleCompiler(env, rules, deferred, go_on))->Queue();
		return deferred->Promise();
	}

	Napi::Value swapRules(const Napi::CallbackInfo &info)
	{
		std::shared_ptr<RulesCopy> rules = rulesFromJs(info[0].As<Napi::Array>());
		return withCompiled(info.Env(), "swapRules", rules, [rules](dp_classifier *classifier) -> Settle {
			dp_error error{};
			if (dp_swap_rules(rules->rules.data(), rules->size(), classifier, &error) < 0)
				return rejection(error);
			return [layout = copyLayout()](Napi::Env env, Napi::Promise::Deferred &d) {
				d.Resolve(layoutToJs(env, layout));
			};
		});
	}

	Napi::Value startCapture(const Napi::CallbackInfo &info)
	{
		dp_capture_plan plan = captureFromJs(info[0].As<Napi::Object>(), portNames);
		std::shared_ptr<RulesCopy> filter = rulesFromJs(info[1].As<Napi::Array>());
		return withCompiled(info.Env(), "startCapture", filter, [plan](dp_classifier *classifier) -> Settle {
			dp_error error{};
			if (dp_capture_start(&plan, classifier, &error) < 0)
				return rejection(error);
			return [](Napi::Env env, Napi::Promise::Deferred &d) { d.Resolve(env.Undefined()); };
		});
	}

	Napi::Value stopCapture(const Napi::CallbackInfo &info)
	{
		return promise(info.Env(), "stopCapture", []() -> Settle {
			dp_capture_stop();
			return [](Napi::Env env, Napi::Promise::Deferred &d) { d.Resolve(env.Undefined()); };
		});
	}

	Napi::Value stop(const Napi::CallbackInfo &info)
	{
		return promise(info.Env(), "stop", [this]() -> Settle {
			control.setServing(false);
			unsigned missing = dp_stop();
			releaseEvents();
			return [missing](Napi::Env env, Napi::Promise::Deferred &d) {
				d.Resolve(Napi::Number::New(env, missing));
			};
		});
	}

	std::shared_ptr<PlanCopy> planInForce; // EAL keeps its arguments
	std::vector<std::string> portNames;
	Napi::ThreadSafeFunction events;
	bool eventsHeld = false; // after start(): control thread only
	ControlThread control;	 // last: joined before the rest goes
};

} // namespace

NODE_API_NAMED_ADDON(spillway, Addon)
