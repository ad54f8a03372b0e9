import CLamina
import LaminaFormats
import LaminaHost
import LaminaSchema

/// A component with its attributes, loaded and ready to be created: what every kind of component starts from.
struct ComponentCall {
    let component: LoadedComponent
    let attributes: AttributeSet
    let registry: Registry

    var id: String { component.description.id }
    var services: UnsafePointer<lamina_host> { UnsafePointer(registry.runtime.services) }

    init(kind: String, _ id: String, _ given: JSONObject, _ registry: Registry) throws(TrainingError) {
        self.registry = registry
        do {
            component = try registry.load(kind: kind, id: id)
        } catch {
            throw TrainingError(error)
        }
        do {
            attributes = try AttributeSet.bind(component.description.attributes, given)
        } catch {
            throw TrainingError(.recipe, "\(id): \(error.text)")
        }
    }

    /// Calls the component's `create`.
    func create(
        _ function: (
            UnsafePointer<lamina_component>?, UnsafePointer<lamina_host>?, UnsafePointer<lamina_attributes>?,
            UnsafeMutablePointer<UnsafeMutableRawPointer?>?
        ) -> lamina_status
    ) throws(TrainingError) -> UnsafeMutableRawPointer {
        var handle: UnsafeMutableRawPointer?
        try check(function(component.raw, services, attributes.raw, &handle))
        guard let handle else { throw TrainingError(.internal, "\(id): the plugin created nothing") }
        return handle
    }

    func check(_ status: lamina_status) throws(TrainingError) {
        guard status != LAMINA_OK else { return }
        do {
            try registry.runtime.check(status, id)
        } catch {
            throw TrainingError(error)
        }
    }
}
