import CLamina
import LaminaSDK
import Transformer

/// The one exported symbol of the library.
@c(lamina_plugin_v1)
public func entry(_ host: UnsafePointer<lamina_host>?, _ out: UnsafeMutablePointer<lamina_plugin>?) -> Int32 {
    Plugin.export(TransformerCatalogue.plugin, to: out)
}
